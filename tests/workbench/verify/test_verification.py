"""Claims run again: verdicts against records, recording, history, refusals and exit codes."""

from __future__ import annotations

import io
import json

import pytest

from minimand.contracts.verdict import Verdict
from minimand.errors import InputError
from minimand.workbench.ledger.pool import TaskFailed
from minimand.workbench.verify.record import read_record, recorded
from minimand.workbench.verify.rendering import notes, run
from minimand.workbench.verify.scope import ClaimFile, cards_meant_by
from minimand.workbench.verify.verification import FRESH_SEEDS, RECORDED_SEEDS, verify

GCE = "losses/noisy/gce"


def verified(tree, *what, **options):
    return verify(what or ("gce",), package=tree.package, **options)


def json_of(tree):
    return json.loads((tree.folder / f"{GCE}.json").read_text(encoding="utf-8"))


def test_claim_without_a_record_is_run_and_differs_from_nothing(tree):
    tree.comparative(gain="0.1 + 0.001 * s")
    found = verified(tree)
    (result,) = found.results
    assert result.verdict is Verdict.HOLDS
    assert result.seeds == RECORDED_SEEDS == tuple(range(1000, 1010))
    assert result.arms["ours"] == pytest.approx([0.6 + 0.001 * s for s in range(10)])
    assert (result.recorded, result.changed, found.exit_code) == (None, False, 0)
    assert not (tree.folder / f"{GCE}.json").exists()


def test_recorded_claim_has_the_same_verdict_again(tree):
    tree.comparative()
    found = verified(tree, record=True)
    assert found.exit_code == 0
    assert found.written == (str(tree.folder / f"{GCE}.json"),)
    again = verified(tree)
    assert (again.exit_code, again.results[0].recorded_verdict, again.results[0].changed) == (0, "holds here", False)


def test_record_keeps_what_is_needed_to_judge_again(tree):
    tree.comparative(gain="0.1 + 0.001 * s")
    verified(tree, record=True)
    content = json_of(tree)
    assert content["schema"] == 1
    assert content["slug"] == "gce"
    assert set(content["versions"]) >= {"minimand", "python", "torch", "numpy"}
    assert content["processor"]
    assert len(content["fingerprint"]) == 64
    (entry,) = content["claims"]
    assert entry["seeds"] == list(RECORDED_SEEDS)
    assert entry["arms"]["base"] == [0.5] * 10
    assert entry["findings"][0]["margin"] == [0.05, None]
    assert entry["findings"][0]["mean"] == pytest.approx(0.1045)
    assert [f["control"] for f in entry["findings"]] == [False, True]
    assert content["history"] == []


def test_recorded_finds_the_record_of_a_card(tree):
    (card,) = cards_meant_by("gce")
    assert recorded(card, package=tree.package) is None  # no claim file
    tree.comparative()
    assert recorded(card, package=tree.package) is None  # no record
    verified(tree, record=True)
    record = recorded(card, package=tree.package)
    assert (record.verdict, record.headline["says"]) == ("holds here", "It is so.")


@pytest.mark.parametrize(
    ("gain", "verdict"), [("0.01", "does not hold here"), ("0.05 + 0.02 * (s - 4.5)", "undecided")]
)
def test_other_verdict_than_the_recorded_one_gives_exit_code_1(tree, gain, verdict):
    tree.comparative()
    verified(tree, record=True)
    tree.comparative(gain=gain)
    found = verified(tree)
    assert found.exit_code == 1
    assert (found.results[0].verdict, found.results[0].recorded_verdict) == (verdict, "holds here")
    assert any(f"{verdict}, recorded holds here" in note for note in notes(found))


def test_fingerprint_changes_with_the_claim_and_with_what_it_imports(tree):
    tree.comparative()
    verified(tree, record=True)
    tree.comparative(note="\n# a comment\n")
    assert not verified(tree).results[0].changed
    tree.comparative(gain="0.1 + 0.0")
    found = verified(tree)
    assert found.results[0].changed
    assert any("has changed since it was recorded" in note for note in notes(found))
    tree.comparative()
    assert not verified(tree).results[0].changed
    tree.write("tasks/numbers.py", "shift = 0.001\n")
    assert verified(tree).results[0].changed


def test_recording_something_else_moves_the_former_record_to_the_history(tree):
    tree.comparative()
    verified(tree, record=True)
    first = json_of(tree)
    verified(tree, record=True)
    assert json_of(tree)["history"] == []  # it says the same
    tree.comparative(gain="0.01")
    verified(tree, record=True)
    tree.comparative(gain="0.02")
    verified(tree, record=True)
    content = json_of(tree)
    assert [former["claims"][0]["arms"]["ours"][0] for former in content["history"]] == [0.51, 0.6]
    assert content["history"][1] == {key: value for key, value in first.items() if key != "history"}
    assert read_record(ClaimFile(GCE, tree.package)).verdict == "does not hold here"


def test_switched_off_arm_that_does_not_tie_is_not_recorded(tree):
    tree.comparative(off="0.02")
    found = verified(tree, record=True)
    assert found.results[0].verdict is Verdict.BROKEN
    assert (found.exit_code, found.written) == (1, ())
    assert "off ties with base within 0.01" in found.refused[0]
    assert not (tree.folder / f"{GCE}.json").exists()


def test_broken_twin_that_passes_is_not_recorded(tree):
    tree.of_property(twin="0.4")
    found = verified(tree, record=True)
    assert found.exit_code == 1
    assert "the broken twin must not be" in found.refused[0]
    assert not (tree.folder / f"{GCE}.json").exists()
    assert verified(tree).exit_code == 1  # without --record too: it has no verdict


def test_sound_property_is_recorded_with_its_twin(tree):
    tree.of_property(value="seed % 2 / 2")
    assert verified(tree, record=True).exit_code == 0
    (entry,) = json_of(tree)["claims"]
    assert entry["arms"] == {"value": [0.0, 0.5] * 5, "broken_twin": [1.0] * 10}
    assert entry["verdict"] == "holds here"


def test_one_broken_experiment_does_not_keep_the_others_from_being_recorded(tree):
    tree.comparative(off="0.02")
    tree.comparative(path="losses/imbalance/focal.py", component="focal_loss")
    found = verify(all=True, record=True, package=tree.package)
    assert [result.file.path for result in found.results] == ["losses/imbalance/focal", GCE]
    assert found.exit_code == 1
    assert (tree.folder / "losses/imbalance/focal.json").exists()
    assert not (tree.folder / f"{GCE}.json").exists()


@pytest.mark.parametrize("lacking", ["pyproject.toml", "src"])
def test_recording_outside_a_source_checkout_is_refused_before_anything_runs(tree, lacking, monkeypatch):
    tree.comparative(gain="1 / 0")
    if lacking == "src":
        tree.folder.parent.rename(tree.root / "site-packages")
        monkeypatch.syspath_prepend(str(tree.root / "site-packages"))
    else:
        (tree.root / lacking).unlink()
    with pytest.raises(InputError, match="--record writes into a source checkout only"):
        verified(tree, record=True)
    assert not list(tree.root.rglob("*.json"))


def test_fresh_seeds_are_ten_others(tree):
    tree.comparative(gain="0.1 * (seed < 2000)")
    verified(tree, record=True)
    found = verified(tree, fresh_seeds=True)
    assert found.results[0].seeds == FRESH_SEEDS == tuple(range(2000, 2010))
    assert found.exit_code == 1


def test_fresh_seeds_that_agree_are_kept_beside_the_record(tree):
    tree.comparative(gain="0.1")
    verified(tree, record=True)
    verified(tree, record=True, fresh_seeds=True)
    entry = json_of(tree)["claims"][0]
    assert entry["verdict"] == entry["on_recorded_seeds"] == entry["fresh"]["verdict"] == "holds here"
    assert entry["fresh"]["seeds"] == list(FRESH_SEEDS)
    assert verified(tree).exit_code == verified(tree, fresh_seeds=True).exit_code == 0


def test_a_claim_of_which_fresh_seeds_say_something_else_becomes_undecided(tree):
    tree.comparative(gain="0.1 * (seed < 2000)")
    verified(tree, record=True)
    verified(tree, record=True, fresh_seeds=True)
    entry = json_of(tree)["claims"][0]
    assert (entry["verdict"], entry["on_recorded_seeds"]) == ("undecided", "holds here")
    assert entry["fresh"]["verdict"] == "does not hold here"
    assert entry["seeds_needed"] >= 20
    # either run says again what it said: nothing differs, and recording the same numbers again forgets nothing.
    assert verified(tree).exit_code == verified(tree, fresh_seeds=True).exit_code == 0
    verified(tree, record=True)
    assert json_of(tree)["claims"][0]["verdict"] == "undecided"
    assert not json_of(tree)["history"]


def test_fresh_seeds_are_recorded_of_recorded_claims_only(tree):
    tree.comparative(gain="0.1")
    with pytest.raises(InputError, match="no record of the claims as they are now"):
        verified(tree, record=True, fresh_seeds=True)


@pytest.mark.parametrize(
    "options",
    [{"record": True, "seeds": (0, 1)}, {"fresh_seeds": True, "seeds": (0,)}],
)
def test_options_that_exclude_each_other_are_refused(tree, options):
    tree.comparative()
    with pytest.raises(InputError, match="other seeds"):
        verified(tree, **options)


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"schema": 1, "claims": []}', '{"schema": 2, "claims": [{"verdict": "x"}]}']
)
def test_record_that_cannot_be_read_is_said(tree, text):
    tree.comparative()
    (tree.folder / f"{GCE}.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"the record .* cannot be read"):
        verified(tree)


def test_record_of_a_newer_schema_is_refused(tree):
    tree.comparative()
    verified(tree, record=True)
    content = json_of(tree) | {"schema": 2}
    (tree.folder / f"{GCE}.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match="has schema 2"):
        verified(tree)


def test_experiment_that_fails_is_an_error_and_no_verdict(tree):
    tree.comparative(gain="1 / (seed - 1003)")
    with pytest.raises(TaskFailed, match=r"gce:ours_is_better seed 1003.*ZeroDivisionError"):
        verified(tree)


def test_two_workers_measure_the_same(tree):
    tree.comparative(gain="0.1 + 0.001 * s")
    told = []
    one = verified(tree)
    two = verified(tree, workers=2, progress=lambda done, total, label: told.append((done, total)))
    assert two.results[0].arms == one.results[0].arms
    assert told == [(k, 10) for k in range(1, 11)]


def test_run_writes_the_table_to_stdout_and_progress_elsewhere(tree, monkeypatch):
    tree.comparative(gain="0.1 + 0.001 * s")
    monkeypatch.setattr(
        "minimand.workbench.verify.rendering.verify", lambda *a, **k: verify(*a, **k, package=tree.package)
    )
    out, err = io.StringIO(), io.StringIO()
    assert run(["gce"], record=True, out=out, err=err) == 0
    shown = out.getvalue()
    for word in ("It is so.", "0.1045", "ours above base by more than 0.05", "holds here", "not recorded", "wrote "):
        assert word in shown
    assert "It is so." not in err.getvalue()


def test_run_gives_json_and_the_exit_code(tree, monkeypatch):
    tree.comparative()
    verified(tree, record=True)
    tree.comparative(gain="0.01")
    monkeypatch.setattr(
        "minimand.workbench.verify.rendering.verify", lambda *a, **k: verify(*a, **k, package=tree.package)
    )
    out = io.StringIO()
    assert run(["gce"], as_json=True, quiet=True, out=out, err=io.StringIO()) == 1
    (entry,) = json.loads(out.getvalue())
    assert (entry["slug"], entry["path"], entry["verdict"]) == ("gce", GCE, "does not hold here")
    assert (entry["recorded_verdict"], entry["differs"], entry["changed_since_record"]) == ("holds here", True, True)

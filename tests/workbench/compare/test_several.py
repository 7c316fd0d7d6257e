"""Several data sets: which they are, what is refused, what goes on, and what is written. Nothing is trained here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from minimand.errors import InputError
from minimand.workbench.compare import several
from minimand.workbench.compare.options import Options, options_from_toml
from minimand.workbench.compare.progress import Silent
from minimand.workbench.compare.run import Comparison
from minimand.workbench.compare.several import compare_several, names_several, options_for, run_several, sources_of
from minimand.workbench.tables import read_table
from tests.workbench.compare.several_results import compared, example

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "several.schema.json").read_text())
MEANS = {"cross-entropy": 0.8, "gce": 0.82, "focal": 0.79}


def table(path: Path, text: str = "x,y\n1,a\n2,b\n") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


@pytest.fixture
def trained(monkeypatch):
    """The options of every comparison that was made, with readings and trainings that take no time."""
    made: list[Options] = []

    def admit(options, data, *, progress):
        return SimpleNamespace(dataset=SimpleNamespace(digest=read_table(data).name))

    def run(options, data, *, progress):
        made.append(options)
        out = Path(options.out)
        if "broken" in out.name:
            raise RuntimeError("the disk is full\nand more")
        return Comparison(compared(MEANS, name=out.name), out)

    monkeypatch.setattr(several, "admit", admit)
    monkeypatch.setattr(several, "run", run)
    return made


def options(*data: str, **more) -> Options:
    return Options(data=data[0], more_data=tuple(data[1:]), **more)


def test_files_names_and_folders_mix(tmp_path):
    for name in ("b.csv", "a.csv", ".hidden.csv", "notes.md"):
        table(tmp_path / "folder" / name)
    found = sources_of(["digits", table(tmp_path / "c.csv"), str(tmp_path / "folder"), "Breast Cancer"])
    assert [source.name for source in found] == ["digits", "c", "a", "b", "breast-cancer"]
    assert [source.bundled for source in found] == [True, False, False, False, True]


def test_two_files_of_one_name_get_two_folders(tmp_path):
    found = sources_of([table(tmp_path / "one" / "data.csv"), table(tmp_path / "two" / "DATA.csv"), "iris"])
    assert [source.name for source in found] == ["data", "DATA-2", "iris"]
    strange = sources_of(["iris", table(tmp_path / "a b; rm -rf $x.csv"), table(tmp_path / "....csv")])
    assert [source.name for source in strange[1:]] == ["a-b-rm--rf-x", "data"]


def test_a_file_that_has_the_name_of_a_bundled_set_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "iris")
    assert not sources_of(["iris", "wine"])[0].bundled


@pytest.mark.parametrize("twice", ["digits", "folder", "link"])
def test_the_same_data_set_twice_is_refused(tmp_path, twice):
    file = table(tmp_path / "folder" / "a.csv")
    table(tmp_path / "folder" / "b.csv")
    (tmp_path / "link.csv").symlink_to(file)
    given = {"digits": ["digits", "Digits"], "folder": [file, str(tmp_path / "folder")]}
    with pytest.raises(InputError, match="is given twice"):
        sources_of(given.get(twice, [file, str(tmp_path / "link.csv")]))


def test_what_is_one_data_set_is_not_several(tmp_path):
    assert not names_several(Options(data="digits"))
    assert not names_several(Options(data=str(tmp_path)))
    assert names_several(options("digits", "iris"))
    table(tmp_path / "a.csv")
    assert names_several(Options(data=str(tmp_path)))
    with pytest.raises(InputError, match="holds one data set"):
        sources_of([str(tmp_path)])


def test_columns_are_for_files_and_a_budget_is_shared(tmp_path):
    asked = options(
        "digits", "a.csv", target="-1", no_header=True, drop=("id",), budget=600.0, objective=("gce",), group="person"
    )
    bundled, file = sources_of(["digits", table(tmp_path / "a.csv")])
    own = options_for(bundled, asked, sets=2, out=tmp_path)
    assert (own.target, own.no_header, own.drop, own.group) == (None, False, (), None)
    assert (own.data, own.budget, own.objective, own.out) == ("digits", 300.0, ("gce",), str(tmp_path / "digits"))
    own = options_for(file, asked, sets=2, out=tmp_path)
    assert (own.target, own.no_header, own.drop, own.group) == ("-1", True, ("id",), "person")
    assert own.more_data == ()


def test_each_is_compared_and_all_are_put_together(tmp_path, trained):
    out = tmp_path / "out"
    found = run_several(options("iris", table(tmp_path / "a.csv"), "wine", out=str(out)), progress=Silent())
    assert [Path(one.out).name for one in trained] == ["iris", "a", "wine"]
    assert json.loads((out / "results.json").read_text()) == found.results
    jsonschema.validate(found.results, SCHEMA)
    assert found.results["consensus"][0]["sets"] == ["iris", "a", "wine"]
    page = found.report.read_text()
    for name in ("iris", "a", "wine"):
        assert f'href="{name}/report.html"' in page
    assert set(found.comparisons) == {"iris", "a", "wine"}
    assert found.sentence in str(found)


def test_a_bad_data_set_is_refused_before_anything_is_made(tmp_path, trained):
    out = tmp_path / "out"
    bad = table(tmp_path / "bad.csv", "")
    with pytest.raises(InputError, match=r"bad: .*bad\.csv is empty; nothing was trained, and --keep-going") as caught:
        run_several(options("iris", bad, "wine", out=str(out)), progress=Silent())
    assert "\n" not in str(caught.value)
    assert trained == []
    assert not out.exists()


def test_it_is_left_out_and_named_if_asked(tmp_path, trained):
    bad = table(tmp_path / "bad.csv", "")
    asked = options("iris", bad, "wine", out=str(tmp_path / "out"), keep_going=True, budget=60.0)
    found = run_several(asked, progress=Silent())
    assert [one["name"] for one in found.results["sets"]] == ["iris", "wine"]
    assert [(one["name"], one["why"]) for one in found.results["failed"]] == [("bad", f"{bad} is empty.")]
    assert "bad.csv is empty" in found.report.read_text()
    assert {one.budget for one in trained} == {30.0}
    jsonschema.validate(found.results, SCHEMA)


def test_where_fewer_than_two_are_left_nothing_is_made(tmp_path, trained):
    bad = table(tmp_path / "bad.csv", "")
    with pytest.raises(InputError, match="only 1 of 2 data sets can be compared on"):
        run_several(options("iris", bad, out=str(tmp_path / "out"), keep_going=True), progress=Silent())
    assert not (tmp_path / "out").exists()


def test_a_failure_on_the_way_stops_all_unless_asked_to_go_on(tmp_path, trained):
    broken = table(tmp_path / "broken.csv")
    asked = options("iris", broken, "wine", out=str(tmp_path / "out"))
    with pytest.raises(RuntimeError, match="the disk is full"):
        run_several(asked, progress=Silent())
    assert [Path(one.out).name for one in trained] == ["iris", "broken"]
    found = run_several(replace(asked, keep_going=True), progress=Silent())
    assert found.results["failed"] == [{"name": "broken", "path": broken, "why": "the disk is full"}]
    assert [one["name"] for one in found.results["sets"]] == ["iris", "wine"]


def test_a_folder_of_other_data_sets_or_options_is_refused(tmp_path, trained):
    asked = options("iris", "wine", out=str(tmp_path / "out"))
    run_several(asked, progress=Silent())
    run_several(replace(asked, workers=2), progress=Silent())
    with pytest.raises(InputError, match="data"):
        run_several(replace(asked, more_data=("digits",)), progress=Silent())
    with pytest.raises(InputError, match="options"):
        run_several(replace(asked, seed=1), progress=Silent())


def test_a_test_file_belongs_to_one_data_set(tmp_path, trained):
    with pytest.raises(InputError, match="--test belongs to one data set"):
        run_several(options("iris", "wine", test="test.csv"), progress=Silent())


def test_the_command_and_the_configuration_name_them_all(tmp_path):
    asked = options("a b.csv", "digits", resamples=5, keep_going=True)
    assert asked.command() == "minimand compare 'a b.csv' digits --resamples 5 --keep-going"
    file = tmp_path / "options.toml"
    file.write_text(asked.toml())
    assert Options(**options_from_toml(str(file))) == asked
    file.write_text('more-data = ["x"]')
    with pytest.raises(InputError, match="unknown option 'more-data'"):
        options_from_toml(str(file))


def test_python_may_call_it_too(tmp_path, trained):
    found = compare_several(["iris", Path("wine")], out=str(tmp_path / "out"), objective="gce")
    assert {one.objective for one in trained} == {("gce",)}
    assert found.results["command"].startswith("minimand compare iris wine")
    with pytest.raises(InputError, match="say which data to compare on"):
        compare_several([])


def test_the_example_keeps_the_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for results in (example(), example(sets=2, objectives=2), example(hostile=True)):
        jsonschema.validate(results, SCHEMA)
    wrong = example(sets=3, objectives=3)
    wrong["consensus"][0]["objectives"][0]["borda"] = 40
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)


def test_one_data_set_of_a_task_has_no_consensus():
    regression = compared({"mse": 3.0, "huber": 2.9}, problem="regression", lower_is_better=True, name="prices")
    from tests.workbench.compare.several_results import several as put_together

    found = put_together({"iris": compared(MEANS), "prices": regression})
    assert found["consensus"] == []
    assert len(found["without_consensus"]) == 2
    assert found["sentence"] == "There is no consensus: there is one data set of this task."
    jsonschema.validate(found, SCHEMA)

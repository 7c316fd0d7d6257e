"""Ask everybody again: `python -m oracles.run [--mirror DIR] [--no-transcriptions] [--only NAME ...]`.

Peers and the authors' code are run in environments of their own; what they say is put together by component and road,
compared with ours and written to `values/`. Transcriptions are run in the project's environment. With `--only` some
are compared and nothing is written, since several may have a part in one file.
"""

from __future__ import annotations

import argparse
import json
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from minimand.contracts.card import Card
from oracles import official, peers, shares
from oracles.environments import python_of, run_in
from oracles.opinion import TOLERANCE, Call, Case, Opinion, as_json, card_of_opinion, disagreement, our_values

DISAGREEMENTS = Path(__file__).parent / "disagreements.json"
GROUP = "plain"
"""The environment in which peers and official code run; others can be made for peers that do not go together."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, compare, write; the exit status is 1 where somebody was not asked or disagrees unexplained."""
    parser = argparse.ArgumentParser(prog="python -m oracles.run", description=__doc__)
    parser.add_argument("--mirror", type=Path, help="folder of git directories OWNER+NAME, in place of GitHub")
    parser.add_argument("--only", nargs="+", default=[], help="compare these modules, and write nothing")
    parser.add_argument("--no-transcriptions", action="store_true", help="leave these as they are")
    options = parser.parse_args(arguments)
    answers, failed = [], []
    for package in (peers, official):
        for name in _adapters(package):
            if options.only and name not in options.only:
                continue
            print(f"asking {package.__name__.rpartition('.')[2]}/{name}", flush=True)
            try:
                answers.append(_answers(f"{package.__name__}.{name}", options.mirror))
            except subprocess.CalledProcessError:
                failed.append(name)
    opinions = _merged(_opinions(answers))
    dissents = [_dissent(dissent) for answer in answers for dissent in answer["dissents"]]
    unexplained = _differing(opinions)
    for dissent in dissents:
        print(f"known to differ by {dissent['difference']:.3g}: {dissent['component']} {dissent['source']}")
    if not options.only:
        for opinion in opinions:
            opinion.write()
        if not failed:
            dissents.sort(key=lambda dissent: (dissent["component"], dissent["source"]))
            DISAGREEMENTS.write_text(as_json(dissents) + "\n", encoding="utf-8")
        if not options.no_transcriptions:
            run_in(sys.executable, "-m", "oracles.transcriptions")
        shares.main()
    for name in failed:
        print(f"not asked, since it failed: {name}")
    return 1 if failed or unexplained else 0


def _adapters(package: Any) -> list[str]:
    """The modules of a package that ask somebody: those with `answers`."""
    names = (module.name for module in pkgutil.iter_modules(package.__path__))
    folder = Path(package.__path__[0])
    return [name for name in names if "def answers(" in (folder / f"{name}.py").read_text(encoding="utf-8")]


def _answers(module: str, mirror: Path | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answers.json"
        variables = {} if mirror is None else {"ORACLES_MIRROR": str(mirror.resolve())}
        run_in(python_of(GROUP), "-m", "oracles.answer", module, str(file), **variables)
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _case(content: dict[str, Any]) -> Case:
    return Case(**{**content, "calls": tuple(Call(**call) for call in content["calls"])})


def _opinions(answers: list[dict[str, Any]]) -> Iterator[Opinion]:
    for answer in answers:
        for content in answer["opinions"]:
            yield Opinion(**{**content, "cases": [_case(case) for case in content["cases"]]})


def _merged(opinions: Iterator[Opinion]) -> list[Opinion]:
    """One opinion for each file: several of one road on one component are put together."""
    whole: dict[Path, Opinion] = {}
    for opinion in opinions:
        before = whole.get(opinion.file)
        if before is None:
            whole[opinion.file] = opinion
            continue
        notes = [note for note in (before.note, opinion.note) if note]
        whole[opinion.file] = Opinion(
            opinion.component,
            opinion.road,
            before.source if opinion.source == before.source else f"{before.source}; {opinion.source}",
            {**before.versions, **opinion.versions},
            [*before.cases, *opinion.cases],
            " | ".join(dict.fromkeys(notes)),
        )
    return list(whole.values())


def _differing(opinions: list[Opinion]) -> int:
    """How many cases differ from ours; they are printed."""
    different = 0
    for opinion in opinions:
        card = card_of_opinion(opinion)
        for case in opinion.cases:
            difference = disagreement(card, case)
            if not difference <= TOLERANCE:
                different += 1
                print(f"DIFFERS by {difference:.3g}: {opinion.component} {opinion.source} {dict(case.hyper)}")
    return different


def _dissent(content: dict[str, Any]) -> dict[str, Any]:
    """A difference that is explained, with ours, theirs and how far they are apart."""
    case = _case(content["case"])
    card = card_of_opinion(Opinion(content["component"], "peer", content["source"], content["versions"], [case]))
    return {
        "component": content["component"],
        "source": content["source"],
        "versions": content["versions"],
        "difference": disagreement(card, case),
        "theirs": case.rows if case.rows is not None else case.mean,
        "ours": value_of_ours(card, case),
        "inputs": {"calls": content["case"]["calls"], "hyper": case.hyper, "task": case.task},
        "right": content["right"],
        "why": content["why"],
    }


def value_of_ours(card: Card, case: Case) -> Any:
    """Our value of a case, where theirs stands in it: rows, or the mean."""
    values = our_values(card, case, torch.tensor(case.calls[-1].pred, dtype=torch.float64))
    return values.tolist() if case.rows is not None else values.mean().item()


if __name__ == "__main__":
    sys.exit(main())

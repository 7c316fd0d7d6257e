"""What cutting settings early saves, and what it costs: regret in the validation metric on real data.

    python -m benchmarks.halving [FILE ...] [--workers 2] [--out benchmarks/results/halving.json]

Compares every default objective on each data set with `--no-halving`, so that every setting is trained to its end, and
replays the cuts on the recorded scores: the setting that they would have left against the best of all, and the epochs
that they would have saved. Files are tables without a header, their target last.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from minimand.workbench.compare.halving import EPOCHS, cost_of_cutting, rungs, survivors
from minimand.workbench.compare.progress import Terminal
from minimand.workbench.compare.run import compare
from minimand.workbench.compare.workload import tuning_key
from minimand.workbench.environment import processor, versions
from minimand.workbench.ledger import LEDGER_NAME, Ledger


def epochs_with_cuts(records: list[dict[str, Any]], sign: float) -> int:
    """Epochs that the settings of one objective on one resample would have trained, had they been cut."""
    alive = list(range(len(records)))
    spent = dict.fromkeys(alive, 0)
    for epoch, keep in rungs(len(records)):
        rung = EPOCHS.index(epoch)
        for number in alive:
            spent[number] = min(epoch, records[number]["epochs"])
        scores = {number: sign * records[number]["rungs"][rung] for number in alive}
        alive = survivors(scores, keep)
    for number in alive:
        spent[number] = records[number]["epochs"]
    return sum(spent.values())


def replayed(folder: Path, sign: float) -> dict[str, Any]:
    """The costs of the cuts over all objectives and resamples of a run."""
    with Ledger.read(folder / LEDGER_NAME) as ledger:
        plan = ledger.plan
        records = dict(ledger.items())
    assert plan is not None
    costs, full, cut = [], 0, 0
    for resample in plan["resamples"]:
        for name, settings in plan["objectives"].items():
            own = [records[tuning_key(resample, name, number)] for number in range(len(settings))]
            costs.append(cost_of_cutting(own, sign=sign))
            full += sum(record["epochs"] for record in own)
            cut += epochs_with_cuts(own, sign)
    regrets = [cost["regret"] for cost in costs]
    correlations = [cost["rank_correlation"] for cost in costs if cost["rank_correlation"] is not None]
    return {
        "brackets": len(costs),
        "regret_mean": statistics.fmean(regrets),
        "regret_largest": max(regrets),
        "best_setting_kept": sum(regret == 0 for regret in regrets) / len(regrets),
        "rank_correlation_mean": statistics.fmean(correlations),
        "epochs_share": cut / full,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--resamples", type=int, default=5)
    parser.add_argument("--out", default="benchmarks/results/halving.json")
    arguments = parser.parse_args()
    found: dict[str, Any] = {}
    for data in ("digits", *arguments.files):
        with tempfile.TemporaryDirectory() as folder:
            options: dict[str, Any] = {} if data == "digits" else {"no_header": True, "target": "-1"}
            run = compare(
                data,
                **options,
                no_halving=True,
                resamples=arguments.resamples,
                workers=arguments.workers,
                out=str(Path(folder) / "run"),
                progress=Terminal(),
            )
            sign = 1.0 if run.results["metric"]["higher_is_better"] else -1.0
            found[Path(data).stem] = replayed(run.out, sign) | {"metric": run.results["metric"]["name"]}
            print(Path(data).stem, json.dumps(found[Path(data).stem]), flush=True)
    content = {"data": found, "resamples": arguments.resamples, "versions": versions(), "processor": processor()}
    Path(arguments.out).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

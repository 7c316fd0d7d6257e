"""False winners and power of the decision of `compare`, simulated through the code that splits, plans and decides.

    python benchmarks/false_winners.py --sets 600 --planted 300 --workers 1

**The null.** An arm is a linear discriminant on one half of 20 features. All features are drawn alike: given the class,
they have the same shift, the same noise and the same correlation with each other, so the distribution of the data does
not change when features swap names, and every half has *exactly* the same expected test score over data sets of this
size. That expectation is what the corrected test speaks of, so every winner is false. On one finite data set, however,
one half looks better by luck in the rows, and looks so in nearly all resamples, which share those rows: here the plain
paired t-test fails, and more resamples make it worse. (Features of unequal relevance would not do: one half would
truly be better. Nor would two seeds of one learner: their differences are nearly independent between resamples, and
any test passes.) Data sets vary in rows, difficulty, correlation and class balance; resamples are those of `compare`,
of single rows by class, of whole groups (`--group`, with rows of a group alike), and of stretches of time (`--time`).

**Shares.** For two arms, the reference is one half and the other arm its complement; a false winner is a verdict of
better or worse. For ten arms, the reference and nine others have random halves, and one such verdict anywhere counts
(family-wise, after Holm). Each is counted with the default region of practical equivalence, with none (the test
alone), and with the plain paired t-test in its place (the same code, told that n_test/n_train is 0; no region).
**Identical arms** are trained twice.

**Power.** Larger data sets, on which one arm, the complement of the reference, has one more feature, worth exactly two
points of accuracy to the best rule on these features. No other arm differs from the reference as much: its differences
vary most, and it is the hardest to find. The first resamples are the pilot that `--detect 2%` trains; the number of
resamples that they recommend is used, and the planted arm is found or is not. Where no number is recommended, the share
that the largest number finds all the same is counted too: a refusal is honest where it is below what was asked for. The
same pilots recommend on the same data without the planted feature, and false winners are counted at the recommended
numbers: a plan that looks at the first resamples must not cheat the test.

Prints tables, writes benchmarks/results/false_winners.json, and exits with 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import multiprocessing
import platform
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from minimand.workbench.compare.decide import decide, family_verdicts
from minimand.workbench.compare.power import (
    MOST_RECOMMENDED,
    PILOT,
    Design,
    resamples_to_detect,
    spread_of_scores,
)
from minimand.workbench.compare.splits import PARTS, hold_out
from minimand.workbench.compare.statistics import corrected_t_test, mean_test_train_ratio

RESULTS = Path(__file__).parent / "results" / "false_winners.json"
FEATURES, HALF, ARMS, ROPE, ALPHA = 20, 10, 10, 0.005, 0.05
RESAMPLES = (10, 20, 30, 50, 100)
STRETCHES = (5, 10, 20)
GAIN = 0.02
GROUP_SIZE = 5
SPLITS = ("rows", "groups", "time")
LIMITS = {
    "false winners, at most": 0.07,
    "false winners at the recommended number, at most": 0.07,
    "planted gain found at the recommended number, at least": 0.80,
    "identical arms equal, at least": 1.0,
}

Splits = list[tuple[np.ndarray, np.ndarray]]
Scores = dict[str, np.ndarray]


@dataclass(frozen=True)
class Drawn:
    """A data set: features (the last one is only for the planted arm), classes, and the group of each row."""

    features: np.ndarray
    target: np.ndarray
    groups: np.ndarray | None


def draw(rng: np.random.Generator, *, rows: tuple[int, int], grouped: bool) -> Drawn:
    """A data set with exchangeable features: half of them give 65 to 92 % of accuracy, and one more adds `GAIN`."""
    count = round(math.exp(rng.uniform(*np.log(rows))))
    positive = rng.uniform(0.3, 0.7)
    shift = ndtri(rng.uniform(0.65, 0.92)) / math.sqrt(FEATURES / 2)  # the accuracy of a half, were it independent
    shared = rng.uniform(0.0, 0.4)
    # rows of a group share a part of their noise, and half of them the class.
    groups = np.arange(count) // GROUP_SIZE if grouped else None
    target = (rng.random(count) < positive).astype(np.int64)
    place = np.arange(count)
    alike = 0.0
    if groups is not None:
        alike = rng.uniform(0.0, 0.5)
        of_group = (rng.random(count) < positive).astype(np.int64)[groups]
        target = np.where(rng.random(count) < 0.5, of_group, target)
        place = groups

    def noise(width: int) -> np.ndarray:
        own, common = rng.standard_normal((count, width)), rng.standard_normal((count, width))[place]
        return math.sqrt(1 - alike) * own + math.sqrt(alike) * common

    sign = 2.0 * target - 1.0
    features = sign[:, None] * shift + math.sqrt(1 - shared) * noise(FEATURES) + math.sqrt(shared) * noise(1)
    distance = 2 * shift * math.sqrt(HALF / (1 + (HALF - 1) * shared))
    wanted = brentq(lambda more: _accuracy(more, positive) - _accuracy(distance, positive) - GAIN, distance, 20.0)
    extra = sign * math.sqrt(wanted**2 - distance**2) / 2 + noise(1)[:, 0]
    return Drawn(np.column_stack([features, extra]).astype(np.float32), target, groups)


def _accuracy(distance: float, positive: float) -> float:
    """Accuracy of the best rule between two Gaussians so many standard deviations apart."""
    odds = math.log(positive / (1 - positive)) / distance
    return float(positive * ndtr(distance / 2 + odds) + (1 - positive) * ndtr(distance / 2 - odds))


def halves(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The features of each arm; the second is the complement of the first, the planted one is the second and more."""
    order = rng.permutation(FEATURES)
    parts = [order[:HALF], order[HALF:], *(rng.permutation(FEATURES)[:HALF] for _ in range(ARMS - 2))]
    arms = {f"arm {number}": part for number, part in enumerate(parts)}
    return arms | {"planted": np.append(parts[1], FEATURES)}


def outer(data: Drawn, split: str, number: int, seed: int) -> Splits:
    """The rows that train and judge in so many resamples, as `compare` draws them."""
    if split == "time":
        ends = np.linspace(len(data.target) // 2, len(data.target), number + 1).round().astype(int)
        return [(np.arange(first), np.arange(first, last)) for first, last in itertools.pairwise(ends)]
    return [hold_out(data.target, data.groups, seed=seed * 1000 + place) for place in range(number)]


def by_class(target: np.ndarray, number: int, seed: int) -> Splits:
    """So many resamples in which a fifth of each class judges: what `hold_out` draws, sooner where rows are many."""
    splits = []
    for place in range(number):
        rng, held = np.random.default_rng([seed, place]), np.zeros(len(target), dtype=bool)
        for label in (0, 1):
            rows = np.flatnonzero(target == label)
            held[rng.permutation(rows)[: round(len(rows) / PARTS)]] = True
        splits.append((np.flatnonzero(~held), np.flatnonzero(held)))
    return splits


def scores_of(data: Drawn, arms: dict[str, np.ndarray], splits: Splits) -> Scores:
    """Test accuracy of linear discriminants for each arm and resample, from sums over the rows that train."""
    x, y = data.features, data.target
    width = x.shape[1]
    kept = np.zeros((len(splits), len(y)), dtype=np.float32)
    judged = np.zeros_like(kept, dtype=bool)
    for place, (train, test) in enumerate(splits):
        kept[place, train] = 1.0
        judged[place, test] = True
    left, right = np.triu_indices(width)
    products = np.zeros((len(splits), width, width))
    products[:, left, right] = products[:, right, left] = kept @ (x[:, left] * x[:, right])
    ones = kept * y.astype(np.float32)
    counts = np.stack([kept.sum(1) - ones.sum(1), ones.sum(1)], 1).astype(np.float64)
    means = np.stack([(kept - ones) @ x, ones @ x], 1) / counts[:, :, None]
    scatter = products - np.einsum("rc,rci,rcj->rij", counts, means, means)
    pooled = scatter / (counts.sum(1) - 2)[:, None, None] + 1e-6 * np.eye(width)
    found: Scores = {}
    for name, part in arms.items():
        middle, apart = means[:, :, part].mean(1), means[:, 1, part] - means[:, 0, part]
        slope = np.linalg.solve(pooled[:, part[:, None], part], apart[:, :, None])[:, :, 0]
        offset = np.log(counts[:, 1] / counts[:, 0]) - (slope * middle).sum(1)
        predicted = slope.astype(np.float32) @ x[:, part].T + offset.astype(np.float32)[:, None] > 0.0
        right_ones = (predicted == (y == 1)) & judged
        found[name] = right_ones.sum(1) / judged.sum(1)
    return found


def ratio_of(splits: Splits) -> float:
    """Rows judged on for each row trained on, as the decision is told."""
    return mean_test_train_ratio([len(test) for _, test in splits], [len(train) for train, _ in splits])


def verdicts(scores: Scores, names: Sequence[str], number: int, *, ratio: float, rope: float) -> list[str]:
    """The verdicts of the rule over the first resamples; the first name is the reference."""
    tests = [
        corrected_t_test(scores[name][:number] - scores[names[0]][:number], test_train_ratio=ratio)
        for name in names[1:]
    ]
    return list(family_verdicts(tests, rope=rope, alpha=ALPHA))


def has_verdict(found: Sequence[str]) -> bool:
    """Whether any arm was judged better or worse than the reference."""
    return "better" in found or "worse" in found


def null_set(index: int, seed: int) -> dict[str, float]:
    """What the decision says on one data set without any true difference: for each cell 1 (yes) or 0 (no)."""
    said: dict[str, float] = {}
    for split in SPLITS:
        rng = np.random.default_rng([seed, index, SPLITS.index(split)])
        data = draw(rng, rows=(200, 2000), grouped=split == "groups")
        arms = halves(rng)
        del arms["planted"]
        root = int(rng.integers(2**20))
        for number in STRETCHES if split == "time" else RESAMPLES:
            if split == "time" or number == RESAMPLES[0]:
                splits = outer(data, split, number if split == "time" else max(RESAMPLES), root)
                scores, ratio = scores_of(data, arms, splits), ratio_of(splits)
            for count in (2, ARMS):
                names, cell = list(arms)[:count], f"{split}|{count}|{number}"
                for kind, told, rope in (("rule", ratio, ROPE), ("test alone", ratio, 0.0), ("naive", 0.0, 0.0)):
                    said[f"{kind}|{cell}"] = has_verdict(verdicts(scores, names, number, ratio=told, rope=rope))
        again = dict.fromkeys(("reference", "again"), arms["arm 0"])
        same = {name: values.tolist() for name, values in scores_of(data, again, splits).items()}
        one = decide(same, reference="reference", test_train_ratio=ratio, rope=ROPE).comparisons["again"]
        said[f"identical|{split}"] = one.difference == 0.0 and one.verdict == "practically equal" and one.p == 1.0
    return {name: float(value) for name, value in said.items()}


def planted_set(index: int, seed: int) -> dict[str, float]:
    """What `--detect 2%` recommends on one larger data set and whether the planted arm is found; NaN: not asked."""
    said: dict[str, float] = {}
    rng = np.random.default_rng([seed, index, len(SPLITS)])
    data = draw(rng, rows=(3000, 20_000), grouped=False)
    arms = halves(rng)
    root = int(rng.integers(2**20))
    pilot = by_class(data.target, PILOT, root)
    cells = {
        f"{kind}|{count}": {
            f"arm {number}": arms["planted" if kind == "planted" and number == 1 else f"arm {number}"]
            for number in range(count)
        }
        for kind in ("planted", "nothing planted")
        for count in (2, ARMS)
    }
    numbers = {cell: recommended(scores_of(data, shown, pilot), ratio_of(pilot)) for cell, shown in cells.items()}
    splits = by_class(data.target, max(number or MOST_RECOMMENDED for number in numbers.values()), root)
    scores, ratio = scores_of(data, arms, splits), ratio_of(splits)
    said["gain"] = float(np.mean(scores["planted"] - scores["arm 1"]))
    for cell, number in numbers.items():
        shown = dict(scores) | ({"arm 1": scores["planted"]} if cell.startswith("planted") else {})
        found = verdicts(shown, list(cells[cell]), number or MOST_RECOMMENDED, ratio=ratio, rope=ROPE)
        yes = float(found[0] == "better" if cell.startswith("planted") else has_verdict(found))
        said[f"recommended|{cell}"] = float(number is not None)
        said[f"number|{cell}"] = math.nan if number is None else number
        said[f"found|{cell}"] = math.nan if number is None else yes
        said[f"found though refused|{cell}"] = yes if number is None else math.nan
    return said


def recommended(pilot: Scores, ratio: float) -> int | None:
    """The number of resamples that `--detect 2%` recommends after its pilot."""
    known = {name: values.tolist() for name, values in pilot.items()}
    spread, _ = spread_of_scores(known, reference="arm 0", source="")
    return resamples_to_detect(GAIN, spread, Design(ratio, len(pilot) - 1, ROPE, ALPHA))


def wilson(share: float, count: int) -> tuple[float, float]:
    """95 % interval of a share."""
    z = 1.959963984540054
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def summary(said: Sequence[dict[str, float]]) -> tuple[dict[str, float], dict[str, int]]:
    """For each cell its mean over the data sets that were asked, and how many those are."""
    columns = {name: np.array([one[name] for one in said]) for name in said[0]}
    counts = {name: int(np.isfinite(values).sum()) for name, values in columns.items()}
    means = {name: float(np.nanmean(values)) for name, values in columns.items() if counts[name]}
    return means, counts


def tables(means: dict[str, float], counts: dict[str, int]) -> str:
    """The markdown tables."""

    def cell(name: str) -> str:
        if name not in means:
            return "none asked"
        low, high = wilson(means[name], counts[name])
        return f"{100 * means[name]:.1f} % ({100 * low:.1f} to {100 * high:.1f})"

    lines = [
        f"Shares of {max(counts.values())} data sets with a false winner, with 95 % interval",
        "",
        "| resamples of | arms | resamples | the rule | test alone (no region) | plain paired t-test |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for split in SPLITS:
        for arms in (2, ARMS):
            for number in STRETCHES if split == "time" else RESAMPLES:
                where = f"{split}|{arms}|{number}"
                row = " | ".join(cell(f"{kind}|{where}") for kind in ("rule", "test alone", "naive"))
                lines.append(f"| {split} | {arms} | {number} | {row} |")
    lines += [
        "",
        "| `--detect 2%` | arms | a number is recommended | mean number | found at that number | found where refused |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind in ("planted", "nothing planted"):
        for arms in (2, ARMS):
            where = f"{kind}|{arms}"
            lines.append(
                f"| {kind} | {arms} | {cell(f'recommended|{where}')} | {means[f'number|{where}']:.1f} | "
                f"{cell(f'found|{where}')} | {cell(f'found though refused|{where}')} |"
            )
    equal = ", ".join(f"{split} {cell(f'identical|{split}')}" for split in SPLITS)
    return "\n".join([*lines, "", f"Identical arms are practically equal, with a difference of 0: {equal}"])


def missed(means: dict[str, float]) -> list[str]:
    """The limits that were missed, in words; they are asked of the rule as it decides by default."""
    asked = {
        "false winners, at most": "rule|",
        "false winners at the recommended number, at most": "found|nothing planted|",
        "planted gain found at the recommended number, at least": "found|planted|",
        "identical arms equal, at least": "identical|",
    }
    return [
        f"{limit} {LIMITS[limit]}: {name} {means[name]:.3f}"
        for limit, opening in asked.items()
        for name in means
        if name.startswith(opening)
        and (means[name] > LIMITS[limit] if limit.endswith("most") else means[name] < LIMITS[limit])
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=600, help="data sets without a difference (default 600)")
    parser.add_argument("--planted", type=int, default=300, help="data sets with a planted gain (default 300)")
    parser.add_argument("--workers", type=int, default=1, help="processes (default 1); the numbers do not depend on it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS, help="JSON to write (default %(default)s)")
    options = parser.parse_args()
    began = time.perf_counter()
    means: dict[str, float] = {}
    counts: dict[str, int] = {}
    with ProcessPoolExecutor(options.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for work, sets in ((null_set, options.sets), (planted_set, options.planted)):
            said = []
            for done, one in enumerate(pool.map(partial(work, seed=options.seed), range(sets)), start=1):
                said.append(one)
                if done % 50 == 0:
                    print(f"{work.__name__} {done}, {time.perf_counter() - began:.0f} s", file=sys.stderr)
            found, asked = summary(said)
            means |= found
            counts |= asked
    failures = missed(means)
    record = {
        "sets": options.sets,
        "planted": options.planted,
        "seed": options.seed,
        "limits": LIMITS,
        "missed": failures,
        "shares": means,
        "counts": counts,
        "intervals": {
            name: wilson(share, counts[name])
            for name, share in means.items()
            if not name.startswith(("number|", "gain"))
        },
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("numpy", "scipy", "scikit-learn")},
        "seconds": round(time.perf_counter() - began, 1),
        "workers": options.workers,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(tables(means, counts))
    for failure in failures:
        print(f"missed: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

"""False winners and power of the decision of `compare`, simulated through the code that decides.

    python benchmarks/false_winners.py --sets 300 --workers 1

**The null.** An arm is logistic regression on one half of 20 features. All features are drawn alike: given the class,
they have the same shift, the same noise and the same correlation with each other, so the distribution of the data does
not change when features swap names, and every half has *exactly* the same expected test score over data sets of this
size. That expectation is what the corrected test speaks of, so every winner is false. On one finite data set, however,
one half looks better by luck in the rows, and looks so in nearly all resamples, which share those rows: here the plain
paired t-test fails, and more resamples make it worse. (Features of unequal relevance would not do: one half would
truly be better. Nor would two seeds of one learner: their differences are nearly independent between resamples, and
any test passes.) Data sets vary in rows, difficulty, correlation and class balance.

**Shares.** For two arms, the reference is one half and the other arm its complement; a false winner is a verdict of
better or worse. For eight arms, the reference and seven others have random halves, and one such verdict anywhere counts
(family-wise, after Holm). Each is counted with the default region of practical equivalence, with none (the test
alone), and with the plain paired t-test in its place (the same code, told that n_test/n_train is 0; no region).

**Power.** To one of the seven arms a gain of three standard deviations of its paired difference is added. **Identical
arms** are trained twice.

Prints a table, writes benchmarks/results/false_winners.json, and exits with 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import platform
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.special import ndtri
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedKFold, ShuffleSplit

from minimand.workbench.compare.decide import Decision, decide

RESULTS = Path(__file__).parent / "results" / "false_winners.json"
FEATURES, ARMS, DEFAULT_RESAMPLES, RATIO, ROPE = 20, 8, 10, 0.25, 0.005
RESAMPLES = (10, 15, 30)
SPLITS = ("random 80/20", "repeated 5-fold")
PLANTED = 3.0
LIMITS = {"false winners, at most": 0.07, "power, at least": 0.80, "identical arms equal, at least": 1.0}

Scores = dict[str, list[float]]


def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A data set with exchangeable features: 200 to 800 rows, two classes, half of its features worth 65 to 92 %."""
    rows = int(rng.integers(200, 801))
    target = (rng.random(rows) < rng.uniform(0.3, 0.7)).astype(np.int64)
    shift = ndtri(rng.uniform(0.65, 0.92)) / math.sqrt(FEATURES / 2)  # the accuracy of a half, were it independent
    shared = rng.uniform(0.0, 0.4)
    noise = math.sqrt(1 - shared) * rng.standard_normal((rows, FEATURES))
    noise += math.sqrt(shared) * rng.standard_normal((rows, 1))
    return (2 * target[:, None] - 1) * shift + noise, target


def halves(rng: np.random.Generator) -> list[np.ndarray]:
    """Random halves of the features, one for each arm; the second is the complement of the first."""
    order = rng.permutation(FEATURES)
    others = [rng.permutation(FEATURES)[: FEATURES // 2] for _ in range(ARMS - 2)]
    return [order[: FEATURES // 2], order[FEATURES // 2 :], *others]


def resamples(split: str, rows: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The train and test rows of as many resamples as the longest row of the table needs."""
    most = max(RESAMPLES)
    if split == "random 80/20":
        return ShuffleSplit(most, test_size=0.2, random_state=seed).split(np.zeros(rows))
    return RepeatedKFold(n_splits=5, n_repeats=most // 5, random_state=seed).split(np.zeros(rows))


def accuracy(data: np.ndarray, target: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """Test accuracy of logistic regression (penalised, scikit-learn's default), without scikit-learn's checks: time."""
    with config_context(assume_finite=True, skip_parameter_validation=True):
        model = LogisticRegression(solver="newton-cholesky").fit(data[train], target[train])
    predicted = data[test] @ model.coef_[0] + model.intercept_[0] > 0.0
    return float(np.mean(predicted == (target[test] == 1)))


def first(scores: Scores, number: int, arms: int = ARMS) -> Scores:
    """The first resamples of the first arms."""
    return {name: scores[name][:number] for name in list(scores)[:arms]}


def has_verdict(decision: Decision) -> bool:
    """Whether any arm was judged better or worse than the reference."""
    return any(one.verdict in ("better", "worse") for one in decision.comparisons.values())


def one_set(index: int, seed: int) -> dict[str, float]:
    """What the decision says on one data set: for each cell of the tables 1 (yes) or 0 (no)."""
    rng = np.random.default_rng([seed, index])
    data, target = draw(rng)
    parts = halves(rng)
    said: dict[str, float] = {}
    for split in SPLITS:
        pairs = list(resamples(split, len(target), int(rng.integers(2**31))))
        scores = {
            f"arm {arm}": [accuracy(data[:, part], target, *pair) for pair in pairs] for arm, part in enumerate(parts)
        }
        judge = partial(decide, reference="arm 0")
        for number in RESAMPLES:
            for arms in (2, ARMS):
                some = first(scores, number, arms)
                cell = f"{split}|{arms}|{number}"
                said[f"rule|{cell}"] = has_verdict(judge(some, test_train_ratio=RATIO, rope=ROPE))
                said[f"test alone|{cell}"] = has_verdict(judge(some, test_train_ratio=RATIO, rope=0.0))
                said[f"naive|{cell}"] = has_verdict(judge(some, test_train_ratio=0.0, rope=0.0))
        gain = PLANTED * float(np.std(np.subtract(scores["arm 1"], scores["arm 0"]), ddof=1))
        planted = scores | {"arm 1": [score + gain for score in scores["arm 1"]]}
        found = judge(first(planted, DEFAULT_RESAMPLES), test_train_ratio=RATIO, rope=ROPE)
        said[f"power|{split}"] = found.comparisons["arm 1"].verdict == "better"
        said[f"power, winner|{split}"] = found.winner == "arm 1"
        again = [accuracy(data[:, parts[0]], target, *pair) for pair in pairs[:DEFAULT_RESAMPLES]]
        same = judge(first(scores, DEFAULT_RESAMPLES, 1) | {"again": again}, test_train_ratio=RATIO, rope=ROPE)
        one = same.comparisons["again"]
        said[f"identical|{split}"] = one.difference == 0.0 and one.verdict == "practically equal" and one.p == 1.0
    return {name: float(value) for name, value in said.items()}


def wilson(share: float, count: int) -> tuple[float, float]:
    """95 % interval of a share."""
    z = 1.959963984540054
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def tables(shares: dict[str, float], sets: int) -> str:
    """The markdown tables."""

    def cell(name: str) -> str:
        low, high = wilson(shares[name], sets)
        return f"{100 * shares[name]:.1f} % ({100 * low:.1f} to {100 * high:.1f})"

    lines = [
        f"Shares of {sets} data sets with a false winner, with 95 % interval",
        "",
        "| split | arms | resamples | the rule | test alone (no region) | plain paired t-test |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for split in SPLITS:
        for arms in (2, ARMS):
            for number in RESAMPLES:
                where = f"{split}|{arms}|{number}"
                row = " | ".join(cell(f"{kind}|{where}") for kind in ("rule", "test alone", "naive"))
                lines.append(f"| {split} | {arms} | {number} | {row} |")
    lines += [
        "",
        "| split | planted gain found | planted arm is the winner | identical arms: 0 and practically equal |",
    ]
    lines += ["| --- | ---: | ---: | ---: |"]
    for split in SPLITS:
        row = " | ".join(cell(f"{kind}|{split}") for kind in ("power", "power, winner", "identical"))
        lines.append(f"| {split} | {row} |")
    return "\n".join(lines)


def missed(shares: dict[str, float]) -> list[str]:
    """The limits that were missed, in words; they are asked of the rule as it decides by default."""
    asked = {
        "false winners, at most": [name for name in shares if name.startswith("rule|")],
        "power, at least": [name for name in shares if name.startswith("power|")],
        "identical arms equal, at least": [name for name in shares if name.startswith("identical|")],
    }
    return [
        f"{limit} {LIMITS[limit]}: {name} {shares[name]:.3f}"
        for limit, names in asked.items()
        for name in names
        if (shares[name] > LIMITS[limit] if limit.endswith("most") else shares[name] < LIMITS[limit])
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=300, help="simulated data sets (default 300)")
    parser.add_argument("--workers", type=int, default=1, help="processes (default 1); the numbers do not depend on it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS, help="JSON to write (default %(default)s)")
    options = parser.parse_args()
    began = time.perf_counter()
    work = partial(one_set, seed=options.seed)
    said = []
    with ProcessPoolExecutor(options.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done, one in enumerate(pool.map(work, range(options.sets)), start=1):
            said.append(one)
            if done % 25 == 0:
                print(f"{done} of {options.sets} data sets, {time.perf_counter() - began:.0f} s", file=sys.stderr)
    shares = {name: float(np.mean([one[name] for one in said])) for name in said[0]}
    failures = missed(shares)
    record = {
        "sets": options.sets,
        "seed": options.seed,
        "limits": LIMITS,
        "missed": failures,
        "shares": shares,
        "intervals": {name: wilson(share, options.sets) for name, share in shares.items()},
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("numpy", "scipy", "scikit-learn")},
        "seconds": round(time.perf_counter() - began, 1),
        "workers": options.workers,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(tables(shares, options.sets))
    for failure in failures:
        print(f"missed: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

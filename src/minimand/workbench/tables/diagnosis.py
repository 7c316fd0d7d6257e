"""What the data looks like before anything is trained: repeated rows, contradictions, imbalance, doubtful labels.

**Doubtful labels** are found as in confident learning (Northcutt, Jiang and Chuang, 2021): a plain model predicts every
row out of fold; a row is suspected when some class other than its label is predicted at least as confidently as that
class is on average where it is the label, and more confidently than any other class that passes.

**The false-alarm rate** is needed because classes that overlap make right labels look wrong. It is the share of rows
that the same rule flags when no label is wrong: new labels are drawn from the model's own probabilities, the model is
fitted to them again, and the rule is applied again (a parametric bootstrap under "all labels are right"). Drawn naively
this would be vacuous, because a calibrated model of noisy labels contains the noise: at 10 % flipped labels it says
0.9, and its draws are flipped as often. Noise and overlap can be told apart in one way only: where predictions get
surer, overlap fades, flipped labels do not. So, before drawing, a floor is taken out of the probabilities: the lower
95 % bound of how often the surest fifth of the predictions disagrees with the labels, and nothing at all if that rate
is still falling there. With no floor the null is the model itself, and the suspected share equals the false-alarm rate
but for chance: nothing can be said. With a floor, the null is lowered by what overlap does not explain. This assumes
flips that do not depend on the features; of other wrong labels, from labels alone, nothing can be told. Probabilities
are first calibrated by one temperature. In 144 simulated data sets of overlapping Gaussians (300 to 3000 rows, 2 to 5
classes) without a wrong label, the share was within 1 point of the rate on average and never 4 points above it; with
15 % of the labels of separated classes flipped it was 6 to 10 points above it on average.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.extras import require
from minimand.workbench.tables.dataset import Dataset
from minimand.workbench.tables.table import factorize, number_text, shown
from minimand.workbench.tables.value_diagnosis import diagnose_values

MOST_ROWS = 10_000
_FOLDS = 5
_FEWEST_ROWS = 50
_MOST_TREE_CLASSES = 2
_FEWEST_TREE_ROWS = 1000
_SUREST = 0.2
_NEXT_SUREST = 0.5
_STILL_FALLING = 1.645  # one-sided level of 5 %
_MOST_LEVELS = 30

Probabilities = NDArray[np.float64]
Codes = NDArray[np.int64]


def diagnose(dataset: Dataset, *, seed: int = 0, examples: int = 10) -> dict[str, Any]:
    """The diagnosis of a dataset, as it stands in `results.json`.

    Args:
        dataset: with a label in every row.
        seed: of the rows drawn, the folds and the simulated labels.
        examples: how many doubtful rows to show, the most doubtful first; 0 shows no values of rows.

    Returns:
        `duplicate_rows` (rows that repeat an earlier one, label included), `conflicting_rows` (rows whose features
        occur with another label too), `missing_cells`, `largest_class_share`, `imbalance_ratio` (largest to smallest
        class), and `label_noise`: `None` where too few rows allow no statement, else the suspected rows with their
        share of the rows looked at, the false-alarm rate to compare that share with, the method in a sentence, and
        examples. Of numbers, `values` in place of what is said of classes (see `diagnose_values`); of several labels,
        `labels_a_row`, `rows_without_label` and `imbalance_ratio`, that of the label that is farthest from half.
    """
    counts = dataset.class_counts
    duplicate, conflicting = repeated_rows(dataset)
    rows = {
        "duplicate_rows": duplicate,
        "conflicting_rows": conflicting,
        "missing_cells": sum(feature.missing for feature in dataset.features),
    }
    if dataset.problem == "regression":
        return {**rows, "values": diagnose_values(dataset, seed=seed, examples=examples)}
    if dataset.problem == "multi-label":
        rarer = np.minimum(counts, dataset.n_rows - counts)
        return {
            **rows,
            "labels_a_row": float(dataset.target.sum(1).mean()),
            "rows_without_label": int((dataset.target.sum(1) == 0).sum()),
            "imbalance_ratio": float((dataset.n_rows - rarer.min()) / rarer.min()),
            "label_noise": None,
        }
    return {
        **rows,
        "largest_class_share": float(counts.max() / counts.sum()),
        "imbalance_ratio": float(counts.max() / counts[counts > 0].min()),
        "label_noise": _label_noise(dataset, np.random.default_rng(seed), examples),
    }


def repeated_rows(dataset: Dataset) -> tuple[int, int]:
    """Rows that repeat an earlier row and label, and rows whose features occur with another label too."""
    mixed = np.zeros(dataset.n_rows, dtype=np.uint64)
    for values in dataset.columns():
        if values.dtype == object:
            bits = factorize(values)[0].astype(np.uint64)
        else:
            plain = np.where(np.isnan(values), np.nan, values + 0.0)  # one NaN, one zero
            bits = np.ascontiguousarray(plain, dtype=np.float64).view(np.uint64)
        mixed = _mix(mixed ^ _mix(bits + np.uint64(0x9E3779B97F4A7C15)))
    _, first, group = np.unique(mixed, return_index=True, return_inverse=True)
    group = group.reshape(-1)
    different, codes = np.unique(dataset.target, axis=0, return_inverse=True)
    pairs = np.unique(group * len(different) + codes.reshape(-1))
    labels_of_group = np.bincount(pairs // len(different), minlength=len(first))
    return dataset.n_rows - len(pairs), int((labels_of_group[group] > 1).sum())


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A 64-bit hash of each number (the finaliser of splitmix64)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: NDArray[np.uint64] = bits ^ (bits >> np.uint64(31))
    return result


def _label_noise(dataset: Dataset, rng: np.random.Generator, examples: int) -> dict[str, Any] | None:
    enough = np.flatnonzero(dataset.class_counts >= _FOLDS)
    rows = np.flatnonzero(np.isin(dataset.target, enough))
    sampled = len(rows) > MOST_ROWS
    if sampled:
        rows = np.sort(rng.permutation(rows)[:MOST_ROWS])
        # rare classes may have lost too many of their rows to be in every fold.
        counts = np.bincount(dataset.target[rows], minlength=dataset.n_classes)
        enough = np.flatnonzero(counts >= _FOLDS)
        rows = rows[np.isin(dataset.target[rows], enough)]
    if len(rows) < _FEWEST_ROWS or len(enough) < 2:
        return None
    part = dataset.rows(rows)
    labels = np.searchsorted(enough, part.target)
    trees = len(enough) <= _MOST_TREE_CLASSES and len(rows) >= _FEWEST_TREE_ROWS
    matrix = _matrix(part, scaled=not trees)
    folds = _folds(labels, part.groups, int(rng.integers(2**31)))
    if folds is None:
        return None
    probabilities = out_of_fold(matrix, labels, len(enough), folds, trees=trees)
    suspected, suggested = suspect(probabilities, labels)
    null = labels_without_noise(probabilities, labels, rng)
    alarms = suspect(out_of_fold(matrix, null, len(enough), folds, trees=trees), null)[0]
    model = "gradient boosting" if trees else "logistic regression"
    method = (
        f"Confident learning on {_FOLDS}-fold out-of-fold probabilities of {model}"
        + (f", on {len(rows)} rows drawn at random" if sampled else "")
        + "; the false-alarm rate is the share of rows that the same rule flags when labels are drawn from the model's "
        "own probabilities, less the disagreement that stays where it is surest: a suspected share near that "
        "rate is what "
        "overlapping classes give without a wrong label."
    )
    doubt = probabilities[np.arange(len(rows)), suggested] - probabilities[np.arange(len(rows)), labels]
    order = [row for row in np.argsort(-doubt, kind="stable") if suspected[row]]
    return {
        "suspected": int(suspected.sum()),
        "share": float(suspected.mean()),
        "false_alarm_rate": float(alarms.mean()),
        "method": method,
        "examples": [
            {
                "row": int(part.row_numbers[row]),
                "given": part.classes[enough[labels[row]]],
                "suggested": part.classes[enough[suggested[row]]],
                "probability": float(probabilities[row, suggested[row]]),
                "values": {feature.name: _cell(feature.values[row]) for feature in part.features},
            }
            for row in order[:examples]
        ],
    }


def suspect(probabilities: Probabilities, labels: Codes) -> tuple[NDArray[np.bool_], Codes]:
    """Which rows confident learning doubts, and the class it would rather give each."""
    n, k = probabilities.shape
    threshold = np.array(
        [probabilities[labels == code, code].mean() if (labels == code).any() else np.inf for code in range(k)]
    )
    passing = np.where(probabilities >= threshold, probabilities, -1.0)
    best = passing.argmax(axis=1)
    own = np.arange(n), labels
    suspected = (passing.max(axis=1) > 0) & (best != labels) & (passing[np.arange(n), best] > probabilities[own])
    return suspected, np.where(suspected, best, labels)


def labels_without_noise(probabilities: Probabilities, labels: Codes, rng: np.random.Generator) -> Codes:
    """Labels drawn from the probabilities, after the floor of disagreement was taken out of them."""
    k = probabilities.shape[1]
    # uniform noise at rate r makes of p: (1 - r - r / (K - 1)) p + r / (K - 1).
    each = min(disagreement_floor(probabilities, labels), 0.9 * (k - 1) / k) / (k - 1)
    clean = np.clip((probabilities - each) / (1.0 - k * each), 0.0, None)
    cumulative = np.cumsum(clean, axis=1)
    draw = rng.random(len(labels))[:, None] * cumulative[:, -1:]
    drawn: Codes = np.minimum((draw >= cumulative).sum(axis=1), k - 1).astype(np.int64)
    return drawn


def disagreement_floor(probabilities: Probabilities, labels: Codes) -> float:
    """A lower bound of the rate at which labels disagree with predictions however sure those are.

    It is 0 when the surest fifth of the predictions disagrees less than the next three tenths do: then the
    disagreement is still falling, as it does where classes overlap, and says nothing about a floor.
    """
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    rank = np.zeros(len(labels))  # 0 = surest, within the predictions of one class, so that all classes count
    for code in np.unique(predicted):
        mine = np.flatnonzero(predicted == code)
        rank[mine[np.argsort(-confidence[mine], kind="stable")]] = (np.arange(len(mine)) + 0.5) / len(mine)
    wrong = predicted != labels
    top, following = wrong[rank < _SUREST], wrong[(rank >= _SUREST) & (rank < _NEXT_SUREST)]
    if not top.any() or not len(following):
        return 0.0
    pooled = float(np.concatenate([top, following]).mean())
    spread = np.sqrt(pooled * (1.0 - pooled) * (1.0 / len(top) + 1.0 / len(following)))
    if spread == 0.0 or (following.mean() - top.mean()) / spread > _STILL_FALLING:
        return 0.0
    return _lower_bound(int(top.sum()), len(top))


def _lower_bound(events: int, trials: int) -> float:
    """Lower end of the one-sided 95 % Clopper-Pearson interval of a rate."""
    if events == 0:
        return 0.0
    return float(require("scipy.stats", extra="workbench").beta.ppf(0.05, events, trials - events + 1))


def out_of_fold(
    matrix: NDArray[np.float64], labels: Codes, k: int, folds: list[Codes], *, trees: bool
) -> Probabilities:
    """`(N, K)` probabilities of each row by a model that did not see it, calibrated by one temperature."""
    result = np.zeros((len(labels), k))
    for test in folds:
        train = np.setdiff1d(np.arange(len(labels)), test)
        seen = np.unique(labels[train])
        if len(seen) == 1:
            result[np.ix_(test, seen)] = 1.0
            continue
        model = _model(trees)
        model.fit(matrix[train], labels[train])
        result[np.ix_(test, model.classes_)] = model.predict_proba(matrix[test])
    return _calibrated(np.clip(result, 1e-9, None), labels)


def _model(trees: bool) -> Any:
    if trees:
        ensemble = require("sklearn.ensemble", extra="workbench")
        return ensemble.HistGradientBoostingClassifier(
            max_iter=40, learning_rate=0.15, max_leaf_nodes=15, early_stopping=False, random_state=0
        )
    linear = require("sklearn.linear_model", extra="workbench")
    return linear.LogisticRegression(C=1.0, max_iter=300, tol=1e-3)


def _calibrated(probabilities: Probabilities, labels: Codes) -> Probabilities:
    logs = np.log(probabilities)
    best: tuple[float, Probabilities] | None = None
    for inverse in np.geomspace(0.2, 3.0, 41):
        powered = logs * inverse
        powered -= powered.max(axis=1, keepdims=True)
        logged = powered - np.log(np.exp(powered).sum(axis=1, keepdims=True))
        loss = -float(logged[np.arange(len(labels)), labels].mean())
        if best is None or loss < best[0]:
            best = loss, np.exp(logged)
    assert best is not None
    return best[1]


def _folds(labels: Codes, groups: Codes | None, seed: int) -> list[Codes] | None:
    selection = require("sklearn.model_selection", extra="workbench")
    if groups is None:
        splitter = selection.StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    elif len(np.unique(groups)) < _FOLDS:
        return None
    else:
        splitter = selection.StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    return [np.asarray(test, dtype=np.int64) for _, test in splitter.split(np.zeros((len(labels), 1)), labels, groups)]


def _matrix(part: Dataset, *, scaled: bool) -> NDArray[np.float64]:
    """Numbers for the plain model: one-hot levels (rare ones pooled) and missing as a column; for trees, one column."""
    blocks: list[NDArray[np.float64]] = []
    for values in part.columns():
        if values.dtype == object:
            codes, levels = factorize(values)
            counts = np.bincount(codes, minlength=len(levels))
            shown_levels = np.argsort(-counts, kind="stable")[:_MOST_LEVELS]
            if not scaled:  # trees split a single column of levels ranked by their number as often as they need
                blocks.append(np.argsort(np.argsort(-counts, kind="stable"))[codes].astype(np.float64)[:, None])
                continue
            blocks.append((codes[:, None] == shown_levels[None, counts[shown_levels] >= _FOLDS]).astype(np.float64))
        elif not scaled:
            blocks.append(values.astype(np.float64)[:, None])
        else:
            missing = np.isnan(values)
            ranks = _scaled(np.where(missing, np.nanmedian(values) if not missing.all() else 0.0, values))
            blocks.append(ranks[:, None])
            if missing.any():
                blocks.append(missing.astype(np.float64)[:, None])
    return np.concatenate(blocks, axis=1)


def _scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centred and scaled, far values pulled in so that none dominates."""
    middle = values - values.mean()
    spread = middle.std()
    result: NDArray[np.float64] = np.clip(middle / spread, -5.0, 5.0) if spread > 0 else middle * 0.0
    return result


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    return shown(value, 200) if isinstance(value, str) else number_text(float(value))

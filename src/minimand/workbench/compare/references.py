"""Reference rows: what the comparison looks like from outside of neural networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from minimand.extras import require
from minimand.workbench.compare.metric_kinds import BALANCING_METRICS, MEDIAN_METRICS
from minimand.workbench.compare.problem import MultiLabel, Prediction, Regression

if TYPE_CHECKING:
    from minimand.workbench.compare.trial import Encoded, Training

BOOSTING = "gradient-boosting"
BOOSTING_SETTINGS = {"max_iter": 500, "early_stopping": True}


def fit_reference(name: str, encoded: Encoded, training: Training) -> Prediction:
    """What a model that scikit-learn offers says, in its defaults, of the rows that judge.

    Settings that they choose for themselves (the number of boosting rounds) they choose on the validation rows.
    """
    problem = encoded.problem
    if name not in problem.references:
        raise ValueError(f"a reference must be one of {', '.join(problem.references)}, got {name!r}")
    if isinstance(problem, Regression):
        return Prediction(_numbers(name, encoded, training))
    if isinstance(problem, MultiLabel):
        columns = [_probabilities(name, encoded, training, 2, column=place)[:, 1] for place in range(problem.n_labels)]
        share = torch.stack(columns, dim=1)
        # one half is where a label is predicted, as it is by a score of 0.
        return Prediction(share.clamp(1e-300, 1 - 1e-16).logit(), share)
    share = _probabilities(name, encoded, training, problem.n_outputs)
    # as scores stand their logarithms; a probability of 0 gets the smallest that is none.
    return Prediction(share.clamp(min=1e-300).log(), share)


# --- Classes and labels ----------------------------------------------------------------------------------------------


def _probabilities(
    name: str, encoded: Encoded, training: Training, n_classes: int, *, column: int | None = None
) -> Tensor:
    """Probabilities `(n, K)` of the rows that judge, of the classes or of one label."""
    x, y, weight = encoded.training
    x_val, y_val, weight_val = encoded.validation
    if column is not None:
        y, y_val = y[:, column], y_val[:, column]
    probabilities = np.zeros((len(encoded.test[0]), n_classes))
    if len(np.unique(y)) == 1:  # a rare label may be missing among the rows that train
        probabilities[:, y[0]] = 1.0
        return torch.from_numpy(probabilities)
    balanced = "balanced" if training.metric in BALANCING_METRICS else None
    model = _classifier(name, balanced, training.seed)
    if name == BOOSTING:
        known = np.isin(y_val, y)  # with groups or times a class may be missing among the rows that train
        weight_val = None if weight_val is None else weight_val[known]
        model.fit(x, y, sample_weight=weight, X_val=x_val[known], y_val=y_val[known], sample_weight_val=weight_val)
    else:
        model.fit(x, y, sample_weight=weight)
    probabilities[:, model.classes_] = model.predict_proba(encoded.test[0])
    return torch.from_numpy(probabilities)


def _classifier(name: str, balanced: str | None, seed: int) -> Any:
    state = seed % 2**32
    if name == "majority":
        return require("sklearn.dummy", extra="workbench").DummyClassifier(strategy="prior")
    if name == "logistic-regression":
        linear = require("sklearn.linear_model", extra="workbench")
        return linear.LogisticRegression(max_iter=2000, class_weight=balanced, random_state=state)
    ensemble = require("sklearn.ensemble", extra="workbench")
    return ensemble.HistGradientBoostingClassifier(class_weight=balanced, random_state=state, **BOOSTING_SETTINGS)


# --- Numbers ---------------------------------------------------------------------------------------------------------


def _numbers(name: str, encoded: Encoded, training: Training) -> Tensor:
    """Predictions `(n,)` of the rows that judge."""
    x, y, weight = encoded.training
    of_median = training.metric in MEDIAN_METRICS
    # in units of the spread: the tolerances of solvers are absolute.
    middle, spread = float(np.mean(y)), float(np.std(y)) or 1.0
    model = _regressor(name, of_median, training.seed)
    if name == BOOSTING:
        x_val, y_val, weight_val = encoded.validation
        model.fit(
            x,
            (y - middle) / spread,
            sample_weight=weight,
            X_val=x_val,
            y_val=(y_val - middle) / spread,
            sample_weight_val=weight_val,
        )
    else:
        model.fit(x, (y - middle) / spread, sample_weight=weight)
    found: NDArray[np.float64] = np.asarray(model.predict(encoded.test[0]), dtype=np.float64) * spread + middle
    return torch.from_numpy(found)


def _regressor(name: str, of_median: bool, seed: int) -> Any:
    if name == "constant":
        dummy = require("sklearn.dummy", extra="workbench")
        return dummy.DummyRegressor(strategy="median" if of_median else "mean")
    if name == "ridge":
        return require("sklearn.linear_model", extra="workbench").Ridge()
    ensemble = require("sklearn.ensemble", extra="workbench")
    loss = "absolute_error" if of_median else "squared_error"
    return ensemble.HistGradientBoostingRegressor(loss=loss, random_state=seed % 2**32, **BOOSTING_SETTINGS)

"""Reference rows: what the comparison looks like from outside of neural networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from minimand.extras import require

if TYPE_CHECKING:
    from minimand.workbench.compare.trial import Encoded, Training

BOOSTING = "gradient-boosting"
REFERENCES = {
    "majority": "Majority class",
    "logistic-regression": "Logistic regression",
    BOOSTING: "Gradient boosting",
}
BALANCING_METRICS = ("balanced-accuracy", "macro-f1")
"""Metrics that weigh classes equally: references are told so by class weights, as a user of them would."""


def fit_reference(name: str, encoded: Encoded, training: Training, n_classes: int) -> Tensor:
    """Probabilities `(n, K)` of the rows that judge, from a model that scikit-learn offers in its defaults.

    Settings that they choose for themselves (the number of boosting rounds) they choose on the validation rows.
    """
    x, y, weight = encoded.training
    balanced = "balanced" if training.metric in BALANCING_METRICS else None
    model = _model(name, balanced, training.seed)
    if name == BOOSTING:
        x_val, y_val, weight_val = encoded.validation
        known = np.isin(y_val, y)  # with groups or times a class may be missing among the rows that train
        weight_val = None if weight_val is None else weight_val[known]
        model.fit(x, y, sample_weight=weight, X_val=x_val[known], y_val=y_val[known], sample_weight_val=weight_val)
    else:
        model.fit(x, y, sample_weight=weight)
    probabilities = np.zeros((len(encoded.test[1]), n_classes))
    probabilities[:, model.classes_] = model.predict_proba(encoded.test[0])
    return torch.from_numpy(probabilities)


def _model(name: str, balanced: str | None, seed: int) -> Any:
    state = seed % 2**32
    if name == "majority":
        return require("sklearn.dummy", extra="workbench").DummyClassifier(strategy="prior")
    if name == "logistic-regression":
        linear = require("sklearn.linear_model", extra="workbench")
        return linear.LogisticRegression(max_iter=2000, class_weight=balanced, random_state=state)
    if name == BOOSTING:
        ensemble = require("sklearn.ensemble", extra="workbench")
        return ensemble.HistGradientBoostingClassifier(
            max_iter=500, early_stopping=True, class_weight=balanced, random_state=state
        )
    raise ValueError(f"a reference must be one of {', '.join(REFERENCES)}, got {name!r}")

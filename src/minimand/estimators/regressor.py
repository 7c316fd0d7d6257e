"""`ObjectiveRegressor`: a network trained with any loss of numbers, as a regressor of scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.validation import validate_data
from torch import Tensor, nn

from minimand.contracts.loss import Loss
from minimand.contracts.task import TaskInfo, ValueSummary, bind
from minimand.estimators.labelled import Floats, Labelled, order_by_content, stratified_split, uneven
from minimand.estimators.network_estimator import NetworkEstimator, Prepared, encoded_table, root_seed, tensor_rows
from minimand.estimators.networks import make_network
from minimand.estimators.scoring import value_score
from minimand.estimators.values import (
    TargetScale,
    ValueFacts,
    checked_targets,
    predicted_values,
    quantile_bins,
    ranks,
    require_legal,
)
from minimand.losses.regression.mse import mse_loss
from minimand.training.fit import History, Score
from minimand.training.rows import Rows
from minimand.training.seeds import named_seed

EXPECTED_FAILED_CHECKS: dict[str, str] = {}
"""Checks of `check_estimator` that may fail, with the reason: those that scikit-learn declares for its `MLPRegressor`.

It declares none, and none fail.
"""


class ObjectiveRegressor(RegressorMixin, NetworkEstimator):  # type: ignore[misc]
    """A regressor that trains a network with the loss of your choice.

    Rows are encoded, targets are put on a scale that a network learns well (what the loss's card says, `"standard"`
    for most: mean 0 and deviation 1 over the training rows), a network is trained with AdamW in minibatches, and the
    weights of the epoch with the best validation metric are kept. Predictions are on the scale of the targets that
    `fit` was given. `ObjectiveClassifier` is its sister, with the same parameters.

    - **What is predicted** is what the loss is minimised by: the mean for squared error, the median for absolute
      error, a quantile for the quantile loss. A loss of counts or amounts refuses targets that cannot be, and predicts
      positive numbers.
    - **Units.** Neither the unit of the targets nor their offset changes what is learned: rounding apart, numbers of
      the order of 1e-12 train like those of 1e12. Losses of amounts keep the zero, and a loss whose card says that it
      has a scale of its own learns the numbers as they are. Where the offset is taken off, a constant target is
      predicted as it is.
    - **Several targets a row**, `(n, D)`, are learned at once where the loss takes one number a target; each column has
      a scale of its own.
    - **Validation rows** are those given to `fit`, or else a share of the training rows from each tenth of the targets.
      Where fewer than 20 rows would be held out (a smaller set cannot choose an epoch), with `validation_fraction=0`
      and with `patience=None`, no row is held out and the last epoch is kept.
    - **Weights.** `sample_weight` 0 is the row absent, 2 the row twice: whole numbers repeat training rows (as long as
      that makes the table at most ten times longer), other weights multiply the row's loss and are scaled to a mean of
      one. They count in the scale of the targets and in the validation metric too.
    - **Reproducible.** With an integer `random_state` the result is bitwise the same in every run on one kind of
      machine. It does not depend on the order of the training rows, apart from the choice of the validation rows, and
      seeds do not depend on the objective: two objectives see the same initial weights and batches. A row's prediction
      does not depend on the rows that it is predicted with.

    Args:
        objective: what to minimise: a loss of numbers of minimand as a function, a class or an instance, or anything
            callable as `objective(pred, target)` that returns one value a row or their mean, or an `Objective`. None is
            squared error.
        objective_parameters: hyperparameters of the objective by name, such as `{"level": 0.9}`; not for instances.
        module: None for a multilayer perceptron; or a callable `(n_inputs, n_outputs) -> nn.Module`, called with torch
            seeded, whose module maps `(n, n_inputs)` to `(n, n_outputs)`; or a module, which is deep-copied, so that
            every `fit` starts from the weights that it has.
        hidden: widths of the hidden layers of the perceptron; not read where a module is given.
        encoder: `"auto"` for `TableEncoder` (numbers, categories, missing values); None where `X` is a numeric matrix
            to be used as it is, in float32; or a transformer of scikit-learn, which is cloned.
        learning_rate: of AdamW, positive.
        weight_decay: of AdamW, nonnegative.
        batch_size: rows in a step, at least 1.
        max_epochs: the cap, at least 1.
        patience: epochs without a better validation metric after which training stops, at least 1; None trains to the
            cap and keeps the last epoch.
        validation_fraction: in [0, 1), share of the rows held out where `fit` is given no validation rows.
        metric: a metric of numbers of minimand, such as `mean_absolute_error_metric`, that chooses the epoch, on the
            scale of the given targets. None is the root mean squared error (of several columns in units of their
            deviations); or the loss itself, where its prediction is not the mean.
        device: of torch, such as `"cpu"` or `"cuda"`.
        random_state: an integer in [0, 2^63), a NumPy generator of either kind, or None for NumPy's global one.

    Attributes:
        n_features_in_: number of input columns.
        feature_names_in_: their names, where the input had names that are text.
        encoder_: the fitted encoder, or None.
        network_: the trained network, in evaluation mode; it predicts on the scale of training.
        loss_: the bound loss, with what it has learned.
        target_scale_: `shift` and `scale` of each target column: a prediction is the network's times scale plus shift.
        output_scale_: of the network's last step, where targets are learned as they are; else None.
        target_shape_: of the targets of one row: `()` for one number, `(D,)` where `y` had columns.
        target_summary_: mean, variance and ends of the training targets on the scale of training, which losses may use.
        value_facts_: what the loss says of its predictions and targets.
        history_: the validation metric (higher is better: errors are negative) and the loss of each epoch, and how
            training ended.
        n_iter_: number of epochs trained.
        n_training_rows_: number of rows trained on, validation rows not among them.
    """

    target_scale_: TargetScale
    output_scale_: TargetScale | None
    target_shape_: tuple[int, ...]
    target_summary_: ValueSummary | None
    value_facts_: ValueFacts

    def __init__(
        self,
        objective: Any = None,
        *,
        objective_parameters: dict[str, Any] | None = None,
        module: Callable[[int, int], nn.Module] | nn.Module | None = None,
        hidden: Sequence[int] = (64, 64),
        encoder: Any = "auto",
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
        batch_size: int = 128,
        max_epochs: int = 200,
        patience: int | None = 15,
        validation_fraction: float = 0.2,
        metric: Callable[..., Tensor] | None = None,
        device: str = "cpu",
        random_state: Any = None,
    ) -> None:
        self.objective = objective
        self.objective_parameters = objective_parameters
        self.module = module
        self.hidden = hidden
        self.encoder = encoder
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.metric = metric
        self.device = device
        self.random_state = random_state

    # --- Training --------------------------------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> ObjectiveRegressor:
        """Trains the network.

        Args:
            X: `(n, features)`, a data frame or an array; for the default encoder numbers, text and missing values.
            y: `(n,)` or `(n, D)`, numbers.
            sample_weight: `(n,)`, nonnegative; 0 is the row absent, 2 the row twice.
            X_val: `(m, features)`, rows that choose the epoch; nothing else is learned from them.
            y_val: `(m,)` or `(m, D)`, their targets.
            sample_weight_val: `(m,)`, their weights.

        Raises:
            ValueError: input or parameters that do not fit; targets that the loss cannot have.
            TypeError: input or parameters of a wrong type; sparse input.

        Warns:
            MinimandWarning: the loss became infinite or NaN; the best weights until then are kept.
        """
        self._fitted(X, y, sample_weight, X_val, y_val, sample_weight_val)
        return self

    def _prepared(
        self, X: Any, y: Any, sample_weight: Any, X_val: Any, y_val: Any, sample_weight_val: Any
    ) -> Prepared:
        root = root_seed(self.random_state)
        device = torch.device(self.device)
        facts = self._facts()
        validate_data(self, X, y, skip_check_array=True)
        targets = checked_targets(y, self, name="y")
        if targets.ndim == 2 and targets.shape[1] == 1 and not _takes_columns(facts):
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected: predictions will be a column too",
                DataConversionWarning,
                stacklevel=4,
            )
        training = Labelled.checked(self._table(X), _flat(targets), sample_weight, name="sample_weight")
        given = self._given_validation(
            X_val, y_val, sample_weight_val, checked=lambda y: _like(checked_targets(y, self, name="y_val"), targets)
        )
        if facts.outputs > 1 and training.y.ndim == 2:
            raise ValueError(
                f"y must be one number a row for this objective, which has {facts.outputs} outputs for each, got "
                f"{training.y.shape[1]} columns"
            )
        for part, name in ((training, "y"), (given, "y_val")):
            if part is not None:
                require_legal(part.y, facts, name=name)
        bins = quantile_bins(training.y)
        training, validation = self._divided(
            training,
            given,
            lambda fraction: stratified_split(bins, fraction, seed=named_seed(root, "validation rows")),
        )

        encoder, scale, output_scale, rows = self._training_rows(training, facts, device)
        held = None
        if validation is not None:
            x_held = encoded_table(encoder, validation.table)
            held = tensor_rows(x_held, validation.y, uneven(validation.weight), device)
        task = TaskInfo.of_values(
            rows.y.cpu(),
            sample_weight=None if rows.weight is None else rows.weight.double().cpu(),
        )
        fitted = {
            "encoder_": encoder,
            "target_scale_": scale,
            "output_scale_": output_scale,
            "value_facts_": facts,
            "target_shape_": targets.shape[1:],
            "target_summary_": task.values,
        }
        return Prepared(rows, held, task, root, fitted)

    def _untrained(self, prepared: Prepared) -> tuple[nn.Module, Loss, Score]:
        device, scale = prepared.rows.x.device, prepared.fitted["target_scale_"]
        loss = bind(self._objective(), prepared.own_task(), **(self.objective_parameters or {})).to(device)
        facts = prepared.fitted["value_facts_"].of_bound(loss)
        width = prepared.task.n_classes * facts.outputs
        predicted_values(torch.ones(2, width), facts, scale)  # a map to predictions of another shape is refused here
        seed = named_seed(prepared.seed, "initialisation")
        network = make_network(self.module, prepared.rows.x, width, hidden=self.hidden, seed=seed)
        network = facts.following(network, prepared.fitted["output_scale_"])
        return network.to(device), loss, value_score(self.metric, loss, facts, scale)

    def _data_parameters(self) -> tuple[Any, ...]:
        return (*super()._data_parameters(), self._facts())

    def _complaint(self, history: History) -> str | None:
        if history.validation and not history.best_epoch and not history.diverged:
            return (
                "in no epoch could the metric judge the predictions for the validation rows: the network has the "
                "weights that it started with; another metric may help, or an objective of positive numbers"
            )
        return super()._complaint(history)

    def _objective(self) -> Any:
        return mse_loss if self.objective is None else self.objective

    def _facts(self) -> ValueFacts:
        return ValueFacts.of(self._objective(), self.objective_parameters)

    def _training_rows(
        self, training: Labelled, facts: ValueFacts, device: torch.device
    ) -> tuple[Any, TargetScale, TargetScale | None, Rows]:
        training = training.repeated()
        encoder, x = self._encoded(training)
        weight = uneven(training.weight)
        order = order_by_content(x, ranks(training.y), weight)
        y, weight = training.y[order], None if weight is None else weight[order]
        scale = TargetScale.of(y, weight, facts.scaling)
        rows = tensor_rows(x[order], scale.scaled(y, positive=facts.positive_targets), weight, device)
        return encoder, scale, facts.output_scale(y, weight), rows

    # --- Prediction ------------------------------------------------------------------------------------------------

    def predict(self, X: Any) -> Floats:
        """What the loss's network predicts of each row, on the scale of the targets: `(n,)` or `(n, D)`."""
        outputs = self._outputs(X)
        facts = self.value_facts_.of_bound(self.loss_)
        values: Floats = predicted_values(outputs, facts, self.target_scale_).cpu().numpy()
        return values.reshape(len(values), *self.target_shape_)

    def network_outputs(self, X: Any) -> NDArray[Any]:
        """What the network says of each row on the scale of training, `(n, outputs)`: all that the loss is given.

        Of a loss with several outputs a row, such as a mean and a variance, all of them.
        """
        outputs: NDArray[Any] = self._outputs(X).cpu().numpy()
        return outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        try:
            facts = self._facts()
        except (TypeError, ValueError):
            facts = ValueFacts()  # `fit` says what is wrong with the objective
        tags.target_tags.multi_output = _takes_columns(facts)
        tags.target_tags.single_output = True
        tags.target_tags.positive_only = facts.lowest_target is not None and facts.lowest_target >= 0
        return tags


def _takes_columns(facts: ValueFacts) -> bool:
    """Whether scikit-learn is told that `y` may have columns; it tries that with negative numbers, whatever it is told.

    Several positive targets a row are taken all the same.
    """
    return facts.outputs == 1 and facts.lowest_target is None


def _flat(y: Floats) -> Floats:
    """A single column as `(n,)`."""
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def _like(y_val: Floats, y: Floats) -> Floats:
    if y_val.shape[1:] != y.shape[1:]:
        raise ValueError(f"y_val must have the columns of y, which has shape {y.shape}, got shape {y_val.shape}")
    return _flat(y_val)

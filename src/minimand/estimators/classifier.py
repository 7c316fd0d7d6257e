"""`ObjectiveClassifier`: a network trained with any objective, as a classifier of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data
from torch import Tensor, nn

from minimand.contracts.card import Task, card_of
from minimand.contracts.loss import Loss
from minimand.contracts.task import TaskInfo, bind
from minimand.estimators.labelled import (
    Floats,
    Labelled,
    checked_labels,
    class_codes,
    class_factors,
    combined_weight,
    of_weighted_classes,
    order_by_content,
    stratified_split,
)
from minimand.estimators.network_estimator import NetworkEstimator, Prepared, encoded_table, root_seed, tensor_rows
from minimand.estimators.networks import make_network
from minimand.estimators.scoring import (
    class_probabilities,
    defines_probabilities,
    ranking_scores,
    validation_score,
)
from minimand.losses.classification.cross_entropy import cross_entropy_loss
from minimand.training.fit import Score
from minimand.training.rows import Rows
from minimand.training.seeds import named_seed

EXPECTED_FAILED_CHECKS: dict[str, str] = {}
"""Checks of `check_estimator` that may fail, with the reason: those that scikit-learn declares for its `MLPClassifier`.

It declares none, and none fail.
"""


class ObjectiveClassifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]
    """A classifier that trains a network with the objective of your choice.

    Rows are encoded, a network with one score a class is trained with AdamW in minibatches, and the weights of the
    epoch with the best validation metric are kept. The predicted class is the one with the highest score.

    - **Validation rows** are those given to `fit`, or else a stratified share of the training rows. A class with one
      row keeps it for training. Where fewer than 20 rows would be held out (a smaller set cannot choose an epoch),
      with `validation_fraction=0` and with `patience=None`, no row is held out and the last epoch is kept.
    - **Weights.** `sample_weight` 0 is the row absent, 2 the row twice: whole numbers repeat training rows (as long as
      that makes the table at most ten times longer), other weights multiply the row's loss and are scaled to a mean of
      one. `class_weight` multiplies them, and both count in the validation metric too.
    - **Reproducible.** With an integer `random_state` the result is bitwise the same in every run on one kind of
      machine. It does not depend on the order of the training rows, apart from the choice of the validation rows, and
      seeds do not depend on the objective: two objectives see the same initial weights and batches. A row's scores do
      not depend on the rows that it is predicted with.

    Args:
        objective: what to minimise: a loss of minimand as a function, a class or an instance, or anything callable as
            `objective(scores, target)` that returns one value a row or their mean, or an `Objective`. None is cross
            entropy.
        objective_parameters: hyperparameters of the objective by name, such as `{"q": 0.5}`; not for instances.
        module: None for a multilayer perceptron; or a callable `(n_inputs, n_classes) -> nn.Module`, called with torch
            seeded, whose module maps `(n, n_inputs)` to scores `(n, n_classes)`; or a module, which is deep-copied, so
            that every `fit` starts from the weights that it has.
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
        metric: a metric of minimand, such as `log_loss_metric`, that chooses the epoch; None is accuracy.
        class_weight: None, `"balanced"` (inversely proportional to the weight of the class), or a dict from labels to
            nonnegative weights, 1 for labels that it lacks.
        classes: the labels that there are, where `y` may lack some; None for those in `y`.
        device: of torch, such as `"cpu"` or `"cuda"`.
        random_state: an integer in [0, 2^63), a NumPy generator of either kind, or None for NumPy's global one.

    Attributes:
        classes_: `(K,)`, the labels, sorted.
        n_features_in_: number of input columns.
        feature_names_in_: their names, where the input had names that are text.
        encoder_: the fitted encoder, or None.
        network_: the trained network, in evaluation mode.
        loss_: the bound loss, with what it has learned.
        history_: the validation metric (higher is better) and the loss of each epoch, and how training ended.
        n_iter_: number of epochs trained.
        class_counts_: `(K,)`, weight of the training rows of each class.
        n_training_rows_: number of rows trained on, validation rows not among them.
    """

    classes_: NDArray[Any]
    class_counts_: Floats

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
        class_weight: Any = None,
        classes: ArrayLike | None = None,
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
        self.class_weight = class_weight
        self.classes = classes
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
    ) -> ObjectiveClassifier:
        """Trains the network.

        Args:
            X: `(n, features)`, a data frame or an array; for the default encoder numbers, text and missing values.
            y: `(n,)`, labels of at least two classes.
            sample_weight: `(n,)`, nonnegative; 0 is the row absent, 2 the row twice.
            X_val: `(m, features)`, rows that choose the epoch; nothing else is learned from them.
            y_val: `(m,)`, their labels, which must be classes of `y` (or among `classes`).
            sample_weight_val: `(m,)`, their weights.

        Raises:
            ValueError: input or parameters that do not fit; one class only.
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
        validate_data(self, X, y, skip_check_array=True)
        training = Labelled.checked(self._table(X), checked_labels(y, self), sample_weight, name="sample_weight")
        classes = self._classes(training.y)
        codes = class_codes(training.y, classes, name="y")
        factors = class_factors(self.class_weight, classes, codes, training.weight)
        training, validation = self._divided(
            training,
            self._given_validation(X_val, y_val, sample_weight_val, checked=lambda y: checked_labels(y, self)),
            lambda fraction: stratified_split(codes, fraction, seed=named_seed(root, "validation rows")),
        )

        encoder, rows = self._training_rows(training, classes, factors, device)
        held = None if validation is None else self._validation_rows(validation, encoder, classes, factors, device)
        task = TaskInfo.of(
            rows.y.cpu(),
            len(classes),
            sample_weight=None if rows.weight is None else rows.weight.double().cpu(),
        )
        counts = np.asarray(task.class_counts)
        return Prepared(rows, held, task, root, {"classes_": classes, "encoder_": encoder, "class_counts_": counts})

    def _untrained(self, prepared: Prepared) -> tuple[nn.Module, Loss, Score]:
        objective = cross_entropy_loss if self.objective is None else self.objective
        device, n_classes = prepared.rows.x.device, prepared.task.n_classes
        loss = bind(objective, prepared.own_task(), **(self.objective_parameters or {})).to(device)
        seed = named_seed(prepared.seed, "initialisation")
        network = make_network(self.module, prepared.rows.x, n_classes, hidden=self.hidden, seed=seed).to(device)
        return network, loss, validation_score(self.metric, loss)

    def _data_parameters(self) -> tuple[Any, ...]:
        return (*super()._data_parameters(), self.class_weight, self.classes)

    def _classes(self, y: NDArray[Any]) -> NDArray[Any]:
        classes = np.unique(y if self.classes is None else np.asarray(self.classes))
        if len(classes) < 2:
            raise ValueError(f"y must have at least two classes, got one class: {classes.tolist()}")
        return classes

    def _training_rows(
        self, training: Labelled, classes: NDArray[Any], factors: Floats | None, device: torch.device
    ) -> tuple[Any, Rows]:
        training = training.repeated()
        codes = class_codes(training.y, classes, name="y")
        if factors is not None:
            training, codes = of_weighted_classes(training, codes, factors)
        encoder, x = self._encoded(training)
        weight = combined_weight(training.weight, factors, codes)
        order = order_by_content(x, codes, weight)
        return encoder, tensor_rows(x[order], codes[order], None if weight is None else weight[order], device)

    def _validation_rows(
        self,
        validation: Labelled,
        encoder: Any,
        classes: NDArray[Any],
        factors: Floats | None,
        device: torch.device,
    ) -> Rows:
        codes = class_codes(validation.y, classes, name="y_val")
        if factors is not None:
            validation, codes = of_weighted_classes(validation, codes, factors)
        weight = combined_weight(validation.weight, factors, codes)
        return tensor_rows(encoded_table(encoder, validation.table), codes, weight, device)

    # --- Prediction ------------------------------------------------------------------------------------------------

    def class_scores(self, X: Any) -> NDArray[Any]:
        """The score of every class, `(n, K)`, for two classes too; higher is more likely.

        The scores of the network; where the loss has learned a map from scores to probabilities of its own, the
        logarithms of those.
        """
        raw = self._outputs(X)
        scores: NDArray[Any] = ranking_scores(self.loss_, raw).cpu().numpy()
        return scores

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Scores in scikit-learn's form: `(n, K)`, or `(n,)`, second class minus first, where there are two."""
        scores = self.class_scores(X)
        return scores[:, 1].astype(np.float64) - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> NDArray[Any]:
        """The class of the highest score, `(n,)`."""
        best = self.class_scores(X).argmax(1)
        labels: NDArray[Any] = self.classes_[best]
        return labels

    def _has_probabilities(self) -> bool:
        if not defines_probabilities(vars(self).get("loss_", self.objective)):
            raise AttributeError("predict_proba is not defined: this objective ranks the classes only")
        return True

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of each class, `(n, K)`, by the objective's own map from scores; rows sum to one.

        Only where the objective defines probabilities: `hasattr(classifier, "predict_proba")` says so.
        """
        scores = self._outputs(X)
        probabilities: NDArray[np.float64] = class_probabilities(self.loss_, scores).cpu().numpy()
        return probabilities

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        card = None if self.objective is None else card_of(self.objective)
        tags.classifier_tags.poor_score = card is not None and Task.BINARY not in card.tasks
        return tags

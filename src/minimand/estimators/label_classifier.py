"""`ObjectiveLabelClassifier`: a network trained with any objective of labels, of which a row may have any number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data
from torch import Tensor, nn

from minimand.contracts.card import Task, card_of
from minimand.contracts.loss import Loss
from minimand.contracts.task import TaskInfo, bind
from minimand.estimators.labelled import Floats, Labelled, order_by_content, stratified_split, uneven
from minimand.estimators.network_estimator import NetworkEstimator, Prepared, encoded_table, root_seed, tensor_rows
from minimand.estimators.networks import make_network
from minimand.evaluation.multilabel.mean_average_precision import mean_average_precision_metric
from minimand.losses.classification.binary_cross_entropy import binary_cross_entropy_loss
from minimand.training.fit import Score
from minimand.training.seeds import named_seed


class ObjectiveLabelClassifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]
    """A classifier of several labels a row that trains a network with the objective of your choice.

    `ObjectiveClassifier` is its sister, with the same parameters: rows are encoded, a network with one score a label is
    trained with AdamW in minibatches, and the weights of the epoch with the best validation metric are kept. A label is
    predicted where its score is above 0, which for cross entropy is a probability above one half.

    Args:
        objective: what to minimise: a loss of labels of minimand as a function, a class or an instance, or anything
            callable as `objective(scores, target)` that returns one value a row or their mean, or an `Objective`. None
            is binary cross entropy.
        objective_parameters: hyperparameters of the objective by name; not for instances.
        module: None for a multilayer perceptron; or a callable `(n_inputs, n_labels) -> nn.Module`; or a module, which
            is deep-copied.
        hidden: widths of the hidden layers of the perceptron; not read where a module is given.
        encoder: `"auto"` for `TableEncoder`; None where `X` is a numeric matrix to be used as it is; or a transformer
            of scikit-learn, which is cloned.
        learning_rate: of AdamW, positive.
        weight_decay: of AdamW, nonnegative.
        batch_size: rows in a step, at least 1.
        max_epochs: the cap, at least 1.
        patience: epochs without a better validation metric after which training stops, at least 1; None trains to the
            cap and keeps the last epoch.
        validation_fraction: in [0, 1), share of the rows held out where `fit` is given no validation rows.
        metric: a metric of labels of minimand, such as `hamming_loss_metric`, that chooses the epoch; None is mean
            average precision.
        device: of torch, such as `"cpu"` or `"cuda"`.
        random_state: an integer in [0, 2^63), a NumPy generator of either kind, or None for NumPy's global one.

    Attributes:
        classes_: a list of `(2,)`, what each label may be, as scikit-learn has it.
        n_labels_: number of labels.
        n_features_in_: number of input columns.
        feature_names_in_: their names, where the input had names that are text.
        encoder_: the fitted encoder, or None.
        network_: the trained network, in evaluation mode.
        loss_: the bound loss, with what it has learned.
        history_: the validation metric (higher is better) and the loss of each epoch, and how training ended.
        n_iter_: number of epochs trained.
        class_counts_: `(C,)`, weight of the training rows that have each label.
        n_training_rows_: number of rows trained on, validation rows not among them.
    """

    classes_: list[NDArray[np.int64]]
    n_labels_: int
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

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> ObjectiveLabelClassifier:
        """Trains the network.

        Args:
            X: `(n, features)`, a data frame or an array.
            y: `(n, C)`, 0 and 1, for at least two labels.
            sample_weight: `(n,)`, nonnegative; 0 is the row absent, 2 the row twice.
            X_val: `(m, features)`, rows that choose the epoch; nothing else is learned from them.
            y_val: `(m, C)`, their labels.
            sample_weight_val: `(m,)`, their weights.

        Raises:
            ValueError: input or parameters that do not fit.
            TypeError: input or parameters of a wrong type.

        Warns:
            MinimandWarning: the loss became infinite or NaN; the best weights until then are kept.
        """
        self._fitted(X, y, sample_weight, X_val, y_val, sample_weight_val)
        return self

    def _prepared(self, X: Any, y: Any, sample_weight: Any, X_val: Any, y_val: Any, sample_weight_val: Any) -> Prepared:
        root = root_seed(self.random_state)
        device = torch.device(self.device)
        validate_data(self, X, y, skip_check_array=True)
        labels = _checked_label_matrix(y, name="y")
        training = Labelled.checked(self._table(X), labels, sample_weight, name="sample_weight")
        given = self._given_validation(
            X_val, y_val, sample_weight_val, checked=lambda y: _like(_checked_label_matrix(y, name="y_val"), labels)
        )
        strata = _number_of_labels(training.y)
        training, validation = self._divided(
            training,
            given,
            lambda fraction: stratified_split(strata, fraction, seed=named_seed(root, "validation rows")),
        )
        training = training.repeated()
        encoder, x = self._encoded(training)
        weight = uneven(training.weight)
        order = order_by_content(x, training.y, weight)
        rows = tensor_rows(x[order], training.y[order], None if weight is None else weight[order], device)
        held = None
        if validation is not None:
            x_held = encoded_table(encoder, validation.table)
            held = tensor_rows(x_held, validation.y, uneven(validation.weight), device)
        task = TaskInfo.of(
            rows.y.cpu(),
            labels.shape[1],
            sample_weight=None if rows.weight is None else rows.weight.double().cpu(),
        )
        fitted = {
            "encoder_": encoder,
            "n_labels_": labels.shape[1],
            "classes_": [np.arange(2) for _ in range(labels.shape[1])],
            "class_counts_": np.asarray(task.class_counts),
        }
        return Prepared(rows, held, task, root, fitted)

    def _untrained(self, prepared: Prepared) -> tuple[nn.Module, Loss, Score]:
        objective = binary_cross_entropy_loss if self.objective is None else self.objective
        device, n_labels = prepared.rows.x.device, prepared.task.n_classes
        loss = bind(objective, prepared.own_task(), **(self.objective_parameters or {})).to(device)
        seed = named_seed(prepared.seed, "initialisation")
        network = make_network(self.module, prepared.rows.x, n_labels, hidden=self.hidden, seed=seed).to(device)
        return network, loss, _label_score(self.metric)

    def label_scores(self, X: Any) -> NDArray[Any]:
        """The score of every label, `(n, C)`; above 0 the label is predicted."""
        scores: NDArray[Any] = self._outputs(X).cpu().numpy()
        return scores

    def decision_function(self, X: Any) -> NDArray[Any]:
        """The same by scikit-learn's name."""
        return self.label_scores(X)

    def predict(self, X: Any) -> NDArray[np.int64]:
        """The labels of each row, `(n, C)` of 0 and 1."""
        return (self.label_scores(X) > 0).astype(np.int64)

    def _has_probabilities(self) -> bool:
        loss = vars(self).get("loss_")
        card = card_of(binary_cross_entropy_loss if self.objective is None else self.objective)
        defined = (
            loss.has_probabilities if isinstance(loss, Loss) else card is not None and card.probabilities is not None
        )
        if not defined:
            raise AttributeError("predict_proba is not defined: this objective scores the labels only")
        return True

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    @torch.no_grad()
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of each label, `(n, C)`, by the objective's own map from scores, each for itself.

        Only where the objective defines probabilities: `hasattr(classifier, "predict_proba")` says so.
        """
        probabilities: NDArray[np.float64] = self.loss_.probabilities(self._outputs(X).double()).cpu().numpy()
        return probabilities

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.multi_class = False
        return tags


def _checked_label_matrix(y: Any, *, name: str) -> NDArray[np.int64]:
    """Labels `(n, C)` of 0 and 1.

    Raises:
        ValueError: another shape, or anything but 0 and 1.
    """
    found = check_array(y, dtype=np.float64, input_name=name)
    if found.shape[1] < 2:
        raise ValueError(f"{name} must have shape (n, labels) with at least two labels, got {found.shape}")
    if ((found != 0) & (found != 1)).any():
        wrong = found[(found != 0) & (found != 1)][0]
        raise ValueError(f"{name} must hold labels of 0 and 1, got {wrong:g}")
    labels: NDArray[np.int64] = found.astype(np.int64)
    return labels


def _like(y_val: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.int64]:
    if y_val.shape[1] != y.shape[1]:
        raise ValueError(f"y_val must have as many labels as y, {y.shape[1]}, got {y_val.shape[1]}")
    return y_val


def _number_of_labels(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many labels each row has, as codes without gaps: rows held out are a share of each."""
    _, codes = np.unique(labels.sum(1), return_inverse=True)
    return codes.reshape(-1).astype(np.int64)


def _label_score(metric: Any) -> Score:
    """The metric as a function of scores `(n, C)` that is higher where it is better.

    Raises:
        TypeError: no metric of minimand.
        ValueError: a metric that judges no labels.
    """
    card = card_of(mean_average_precision_metric if metric is None else metric)
    if card is None or card.kind != "metric":
        raise TypeError(f"metric must be None or a metric of minimand, such as hamming_loss_metric, got {metric!r}")
    if Task.MULTILABEL not in card.tasks:
        raise ValueError(f"metric must judge several labels a row, got {card.name}")
    sign = 1.0 if card.facts["higher_is_better"] else -1.0

    def score(scores: Tensor, target: Tensor, weight: Tensor | None) -> float:
        return sign * float(card.component(scores, target, sample_weight=weight))

    return score

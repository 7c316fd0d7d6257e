"""What the estimators share: a network on encoded tables, trained under seeds of their own, that predicts in blocks.

What they differ in is what a target is: classes (`ObjectiveClassifier`) or numbers (`ObjectiveRegressor`). Each of them
checks its targets, binds its objective and says what the network's outputs mean; everything else is here.
"""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_array, check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

from minimand.contracts.arguments import require_integer, require_range
from minimand.contracts.loss import Loss
from minimand.contracts.task import TaskInfo
from minimand.errors import MinimandWarning
from minimand.estimators.encoding import TableEncoder
from minimand.estimators.labelled import Floats, Index, Labelled
from minimand.estimators.networks import outputs_in_blocks
from minimand.training.fit import History, Score, Settings, fit
from minimand.training.rows import Rows
from minimand.training.seeds import named_generator

PREDICTED_AT_ONCE = 128


@dataclass(frozen=True)
class Prepared:
    """Checked and encoded rows, ready to train on: all of it the same for estimators that differ in objective alone.

    Args:
        rows: to learn from.
        held: that choose the epoch, or None.
        task: what a loss may know of the rows; its generator is not to be drawn from, each loss gets one of its own.
        seed: the root of all randomness.
        fitted: the fitted attributes that do not come of training.
    """

    rows: Rows
    held: Rows | None
    task: TaskInfo
    seed: int
    fitted: dict[str, Any]

    def own_task(self) -> TaskInfo:
        """The task with a fresh generator, always the same, for one loss."""
        return replace(self.task, rng=named_generator(self.seed, "loss noise"))


class NetworkEstimator(BaseEstimator):  # type: ignore[misc]
    """The part of an estimator that does not depend on what its targets are; its subclasses say the rest.

    They have the parameters that are named here, in constructors of their own, which is where scikit-learn reads them.
    """

    module: Callable[[int, int], nn.Module] | nn.Module | None
    hidden: Sequence[int]
    encoder: Any
    learning_rate: float
    weight_decay: float
    batch_size: int
    max_epochs: int
    patience: int | None
    validation_fraction: float
    device: str
    random_state: Any

    n_features_in_: int
    encoder_: Any
    network_: nn.Module
    loss_: Loss
    history_: History
    n_iter_: int
    n_training_rows_: int

    # --- Training --------------------------------------------------------------------------------------------------

    def _settings(self) -> Settings:
        return Settings(
            learning_rate=_plain(self.learning_rate),
            weight_decay=_plain(self.weight_decay),
            batch_size=_plain(self.batch_size),
            max_epochs=_plain(self.max_epochs),
            patience=_plain(self.patience),
        )

    def _table(self, X: Any) -> Any:
        """The input as rows that can be taken: a float32 matrix where there is no encoder, else a frame or an array."""
        if self.encoder is None:
            # a module of the user's may take more than a matrix, such as images
            images = self.module is not None
            return check_array(X, dtype=np.float32, order="C", allow_nd=images, estimator=self, input_name="X")
        if hasattr(X, "columns") and hasattr(X, "iloc"):
            if len(X) == 0:
                raise ValueError(f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required.")
            return X
        if getattr(getattr(X, "dtype", None), "kind", None) == "T":
            X = X.astype(object)  # the strings of NumPy 2, which scikit-learn does not know
        return check_array(X, dtype=None, ensure_all_finite=False, estimator=self, input_name="X")

    def _given_validation(
        self, X_val: Any, y_val: Any, sample_weight_val: Any, *, checked: Callable[[Any], NDArray[Any]]
    ) -> Labelled | None:
        """The validation rows that `fit` was given, their targets checked; None where it was given none."""
        for name, value, other in (("X_val", X_val, y_val), ("y_val", y_val, X_val)):
            if value is None and (other is not None or sample_weight_val is not None):
                raise ValueError(f"{name} must be given with the other arguments of the validation rows, got None")
        if X_val is None:
            return None
        validate_data(self, X_val, reset=False, skip_check_array=True)
        targets = checked(y_val)
        return Labelled.checked(self._table(X_val), targets, sample_weight_val, name="sample_weight_val")

    def _divided(
        self,
        training: Labelled,
        validation: Labelled | None,
        split: Callable[[float], tuple[Index, Index] | None],
    ) -> tuple[Labelled, Labelled | None]:
        """The rows that train and those that choose the epoch: the given ones, else a share of the training rows."""
        if validation is not None or self.patience is None:
            return training, validation
        fraction: float = _plain(self.validation_fraction)
        require_range("validation_fraction", fraction, least=0.0, below=1.0)
        parts = split(fraction)
        return (training, None) if parts is None else (training.take(parts[0]), training.take(parts[1]))

    def _encoded(self, training: Labelled) -> tuple[Any, NDArray[np.float32]]:
        """The fitted encoder and the training rows encoded."""
        if self.encoder is None:
            return None, training.table
        if isinstance(self.encoder, str):
            if self.encoder != "auto":
                raise ValueError(f'encoder must be "auto", None or a transformer, got {self.encoder!r}')
            encoder: Any = TableEncoder()
        else:
            encoder = clone(self.encoder)
        # one call: encoders that look at the targets encode the rows they were fitted to in a way of their own
        return encoder, _as_matrix(encoder.fit_transform(training.table, training.y))

    def _prepared(
        self, X: Any, y: Any, sample_weight: Any, X_val: Any, y_val: Any, sample_weight_val: Any
    ) -> Prepared:
        """What `fit` is given, checked and encoded."""
        raise NotImplementedError

    def _untrained(self, prepared: Prepared) -> tuple[nn.Module, Loss, Score]:
        """The network as it starts, the bound objective, and the score of the validation rows."""
        raise NotImplementedError

    def _data_parameters(self) -> tuple[Any, ...]:
        """The parameters on which what is prepared depends."""
        return (
            self.encoder,
            self.device,
            self.random_state,
            self.validation_fraction,
            self.patience is None,
            self.module is None,
        )

    def _fitted(
        self, X: Any, y: Any, sample_weight: Any, X_val: Any, y_val: Any, sample_weight_val: Any
    ) -> NetworkEstimator:
        """The whole of `fit`."""
        settings = self._settings()
        prepared = self._prepared(X, y, sample_weight, X_val, y_val, sample_weight_val)
        network, loss, score = self._untrained(prepared)
        history = fit(
            network, loss, prepared.rows, prepared.held, settings=settings, seed=prepared.seed, score=score
        )
        self._keep(prepared, network, loss, history)
        return self

    def _keep(self, prepared: Prepared, network: nn.Module, loss: Loss, history: History) -> None:
        """Keeps what came of a training, and warns where that went wrong."""
        complaint = self._complaint(history)
        if complaint is not None:
            warnings.warn(complaint, MinimandWarning, stacklevel=4)
        for name, value in prepared.fitted.items():
            setattr(self, name, value)
        self.network_, self.loss_ = network, loss
        self.history_, self.n_iter_ = history, history.epochs
        self.n_training_rows_ = len(prepared.rows)

    def _complaint(self, history: History) -> str | None:
        """What went wrong in a training, in words; None where nothing did."""
        if not history.diverged:
            return None
        kept = f"of epoch {history.best_epoch}" if history.best_epoch else "that it started with"
        return (
            f"training diverged in epoch {history.epochs}, where the loss was {history.loss[-1]}: the network has the "
            f"weights {kept}; a smaller learning_rate may help"
        )

    # --- Prediction ------------------------------------------------------------------------------------------------

    def _outputs(self, X: Any) -> Tensor:
        """What the network says of each row, `(n, outputs)`."""
        check_is_fitted(self)
        table = self._table(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        device = next((parameter.device for parameter in self.network_.parameters()), torch.device("cpu"))
        x = _tensor(encoded_table(self.encoder_, table), device)
        return outputs_in_blocks(self.network_, x, block=PREDICTED_AT_ONCE)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        encoder = TableEncoder() if isinstance(self.encoder, str) else self.encoder
        if hasattr(encoder, "__sklearn_tags__"):
            source = get_tags(encoder).input_tags
            for name in ("allow_nan", "categorical", "string"):
                setattr(tags.input_tags, name, getattr(source, name))
        return tags


def encoded_table(encoder: Any, table: Any) -> NDArray[np.float32]:
    """Rows as the network takes them: a table encoded by a fitted encoder, or as it is where there is none."""
    return table if encoder is None else _as_matrix(encoder.transform(table))


def tensor_rows(x: NDArray[np.float32], y: NDArray[Any], weight: Floats | None, device: torch.device) -> Rows:
    """Rows in tensors on a device, for the training loop."""
    weights = None if weight is None else torch.from_numpy(_in_single_precision(weight)).to(device)
    return Rows(_tensor(x, device), torch.from_numpy(y).to(device), weights)


def root_seed(random_state: Any) -> int:
    """The seed from which all others are derived.

    Raises:
        ValueError: an integer outside [0, 2^63), or no random state at all.
    """
    if isinstance(random_state, numbers.Integral) and not isinstance(random_state, bool):
        require_integer("random_state", int(random_state), least=0, most=2**63 - 1)
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**63 - 1))
    return int(check_random_state(random_state).randint(2**63 - 1, dtype=np.int64))


def _in_single_precision(weight: Floats) -> NDArray[np.float32]:
    # only their ratios matter, and weights beyond these ends would become infinite, or all zero
    largest = weight.max()
    return (weight if 1e-30 < largest < 1e30 else weight / largest).astype(np.float32)


def _as_matrix(encoded: Any) -> NDArray[np.float32]:
    """What an encoder made, as a finite float32 matrix; a sparse one is filled in."""
    filled = encoded.toarray() if hasattr(encoded, "toarray") else encoded
    matrix: NDArray[np.float32] = check_array(filled, dtype=np.float32, order="C", input_name="the encoded X")
    return matrix


def _tensor(x: NDArray[np.float32], device: torch.device) -> Tensor:
    # torch cannot hold an array that may not be written, such as one that is mapped from a file
    return torch.from_numpy(np.require(x, requirements=["C", "W"])).to(device)


def _plain(value: Any) -> Any:
    """A number of NumPy, as grids hold them, as one of Python."""
    return value.item() if isinstance(value, np.generic) else value

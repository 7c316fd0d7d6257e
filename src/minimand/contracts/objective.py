"""`Objective`: somebody's own loss with hyperparameters to search and a map to probabilities, without a card."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from minimand.contracts.arguments import require_integer, require_one_of
from minimand.contracts.card import Range

if TYPE_CHECKING:
    from torch import Tensor

    from minimand.contracts.loss import Loss
    from minimand.contracts.task import TaskInfo
    from minimand.contracts.values import Scaling


class Objective:
    """Your own objective, as `compare`, `ObjectiveClassifier` and `ObjectiveRegressor` take it.

    ```python
    def margin_loss(scores, target, *, margin=1.0):
        return multi_margin_loss(scores, target, margin=margin, reduction="none")

    compare("data.csv", "y", objectives={"margin": Objective(margin_loss, search={"margin": (0.1, 2.0)})})
    ```

    What a loss of numbers has to say beside its value (`predictions`, `outputs`, `scaling`) is what a loss of minimand
    says on its card, and else one number a row, learned from targets of mean 0 and deviation 1.

    Args:
        loss: a function `(scores, target, **hyper)` that returns one value a row (so that it can be weighted) or
            their mean; or a class of modules that takes the hyperparameters in its constructor and is called with
            `(scores, target)`; or a loss of minimand whose search space is to be another. Functions and classes must
            be importable (no lambdas) where a comparison has several workers.
        search: name -> `Range`, or `(low, high)` for a linear range. The default of each is that of the range, or of
            the signature if it lies inside, or the middle.
        probabilities: from scores `(N, K)` to class probabilities; None where it only ranks the classes. A loss of
            minimand has its own.
        predictions: for numbers: from the network's rows `(N, outputs)` to what is predicted, `(N,)`; such as
            `lambda rows: rows[:, 0]` where the second column is a variance.
        outputs: for numbers: how many of them the network gives for one target, at least 1.
        scaling: for numbers: what is done to the targets before the network learns them, `"standard"` (mean 0 and
            deviation 1), `"scale"` (divided by the mean of their sizes) or `"none"`.

    Raises:
        TypeError: `loss` cannot be called or does not take what is searched.
        ValueError: a range that is none, no outputs, an unknown scaling, or several outputs of which it is not said
            what they predict.
    """

    def __init__(
        self,
        loss: Any,
        *,
        search: Mapping[str, Range | tuple[float, float]] | None = None,
        probabilities: Callable[[Tensor], Tensor] | None = None,
        predictions: Callable[[Tensor], Tensor] | None = None,
        outputs: int | None = None,
        scaling: Scaling | None = None,
    ) -> None:
        if not callable(loss):
            raise TypeError(f"loss must be callable as loss(scores, target), got {loss!r}")
        if search and not (inspect.isclass(loss) or inspect.isroutine(loss) or isinstance(loss, functools.partial)):
            raise TypeError(f"search needs a function or a class to give the values to, got an instance: {loss!r}")
        if outputs is not None:
            require_integer("outputs", outputs, least=1)
            if outputs > 1 and predictions is None:
                raise ValueError(f"predictions must say what {outputs} outputs predict: pass a function of the rows")
        if scaling is not None:
            from minimand.contracts.values import Scaling

            require_one_of("scaling", scaling, get_args(Scaling))
        self.loss = loss
        self.probabilities = probabilities
        self.predictions, self.outputs, self.scaling = predictions, outputs, scaling
        parameters = _keywords(loss) if search else {}
        self.search = {name: _range(name, span, parameters) for name, span in (search or {}).items()}

    @property
    def defaults(self) -> dict[str, float]:
        """The default of each searched hyperparameter."""
        return {name: span.at(0.5) if span.default is None else span.default for name, span in self.search.items()}

    def bind(self, task: TaskInfo, **hyper: Any) -> Loss:
        """The objective as a loss that is ready to train with; see `minimand.contracts.task.bind`."""
        from minimand.contracts.card import card_of
        from minimand.contracts.loss import ScalarLoss
        from minimand.contracts.task import bind

        if card_of(self.loss) is not None and self.probabilities is None:
            return bind(self.loss, task, **hyper)
        if inspect.isclass(self.loss):
            made: Any = self.loss(**hyper)
        elif hyper:
            made = functools.partial(self.loss, **hyper)
        else:
            # whatever may have state is copied, so that no training sees another's; copying a function gives itself.
            made = copy.deepcopy(self.loss)
        return ScalarLoss(made, probabilities=self.probabilities)

    def __repr__(self) -> str:
        return f"Objective({getattr(self.loss, '__name__', self.loss)}, search={self.search})"


def _keywords(loss: Any) -> dict[str, inspect.Parameter] | None:
    """The parameters that can be given by name; None where any can."""
    parameters = inspect.signature(loss).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return None
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name: parameter for name, parameter in parameters.items() if parameter.kind in by_name}


def _range(name: str, span: Range | tuple[float, float], known: Mapping[str, inspect.Parameter] | None) -> Range:
    if known is not None and name not in known:
        raise TypeError(f"search names {name!r}, which the loss does not take: it takes {', '.join(known)}")
    if not isinstance(span, Range):
        if not isinstance(span, tuple) or len(span) != 2:
            raise TypeError(f"search must give a Range or (low, high) for {name!r}, got {span!r}")
        span = Range(*span)
    if span.default is not None and not span.low <= span.default <= span.high:
        raise ValueError(f"the default of {name} must be in [{span.low}, {span.high}], got {span.default}")
    own = None if known is None else known[name].default
    inside = isinstance(own, (int, float)) and not isinstance(own, bool) and span.low <= own <= span.high
    return Range(span.low, span.high, span.scale, own if span.default is None and inside else span.default)

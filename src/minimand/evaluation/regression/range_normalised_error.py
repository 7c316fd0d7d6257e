"""Root mean squared error over the targets' range."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import require_variation, root_mean_square

JADON_2022 = Paper(
    key="jadon2022regression",
    title="A Comprehensive Survey of Regression Based Loss Functions for Time Series Forecasting",
    authors="Jadon, Patil and Jadon",
    year=2022,
    arxiv="2211.02989",
)


@metric(
    JADON_2022,
    slug="range-normalised-error",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=True,
    when="The target has natural ends, such as a percentage or an exam, that occur among the test rows.",
    drawback="Two extreme targets set the scale, and more rows make the same errors look smaller.",
    also_known_as=("nrmse", "normalised-rmse"),
)
def range_normalised_error_metric(pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None) -> Tensor:
    r"""Root mean squared error over the range, $\mathrm{RMSE} / (\max_i y_i - \min_i y_i)$.

    Without unit; the range is that of the rows of positive weight. Targets that are all equal are refused.

    Args:
        pred: `(N,)` or `(N, D)`, predicted numbers.
        target: `(N,)` or `(N, D)`, finite numbers.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.

    Returns:
        A scalar of at least 0, float64; of several columns the mean of their values.

    Raises:
        ValueError: shapes or values that do not fit, targets that are all equal, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Jadon, Patil and Jadon (2022), normalised root mean squared error, there with any normaliser.
    """
    pred, target, weight = checked_values(pred, target, sample_weight)
    require_variation(target, "a normalised error")
    # halves: the range of the largest numbers of both signs would overflow
    half = target.amax(0) / 2 - target.amin(0) / 2
    return (root_mean_square(target - pred, weight) / 2 / half).mean()

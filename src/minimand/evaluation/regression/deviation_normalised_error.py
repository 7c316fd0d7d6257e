"""Root mean squared error over the targets' standard deviation."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_values, metric
from minimand.evaluation.weighted_moments import deviation, require_variation, root_mean_square

JADON_2022 = Paper(
    key="jadon2022regression",
    title="A Comprehensive Survey of Regression Based Loss Functions for Time Series Forecasting",
    authors="Jadon, Patil and Jadon",
    year=2022,
    arxiv="2211.02989",
)


@metric(
    JADON_2022,
    slug="deviation-normalised-error",
    takes="values",
    higher_is_better=False,
    best=0.0,
    tasks={Task.REGRESSION},
    relative=False,
    when="Errors of data sets of different units are averaged, and their roots are to be read.",
    drawback="Others mean a division by range or mean when they say normalised: the values are not comparable.",
    also_known_as=("nrmse", "normalised-rmse"),
)
def deviation_normalised_error_metric(
    pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None
) -> Tensor:
    r"""Root mean squared error over the deviation, $\mathrm{RMSE} / \sqrt{\operatorname{var}_w(y)}$.

    Without unit: 1 is as good as the mean of these very targets. Its square is 1 less R2. The survey's code divides
    by the deviation of the predictions, which rewards those that vary without reason. Targets that are all equal
    are refused.

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
    return (root_mean_square(target - pred, weight) / deviation(target, weight)).mean()

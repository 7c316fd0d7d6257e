"""Calibration error, debiased: how far confidence and accuracy are apart, without counting noise as error."""

from __future__ import annotations

from torch import Tensor

from minimand.contracts.arguments import require_integer
from minimand.contracts.card import Paper, Task
from minimand.contracts.metric import checked_prediction, metric

KUMAR_2019 = Paper(
    key="kumar2019verified",
    title="Verified Uncertainty Calibration",
    authors="Kumar, Liang and Ma",
    year=2019,
    arxiv="1909.10155",
)

# Fewer rows than this in a bin say next to nothing of its accuracy: there are fewer bins then.
ROWS_PER_BIN = 10


@metric(
    KUMAR_2019,
    slug="calibration-error",
    takes="probabilities",
    higher_is_better=False,
    best=0.0,
    tasks={Task.BINARY, Task.MULTICLASS},
    when="Decisions use the confidence in the predicted class, and there are hundreds of rows to judge it.",
    drawback="Judges only the largest probability, within bins, and not whether predictions are any good.",
)
def calibration_error_metric(
    pred: Tensor, target: Tensor, /, *, sample_weight: Tensor | None = None, bins: int = 15
) -> Tensor:
    r"""Debiased calibration error, $[\sum_b \frac{n_b}{n} ((c_b - a_b)^2 - \frac{a_b (1 - a_b)}{n_b - 1})]_+^{1/2}$.

    The rows are sorted by confidence, their largest probability, and cut into bins of equal weight; $c_b$ is the mean
    confidence in a bin, $a_b$ its accuracy, $n_b$ its weight. The plug-in error counts the sampling noise of $a_b$ as
    miscalibration; the last term takes its expectation off the square. The sum estimates the squared error without
    that bias and may be negative: then 0 is given, so that small values are still a little too large on average.

    Rows of equal confidence share a bin. With fewer than 10 rows for each bin there are fewer bins. Weights count as
    numbers of rows; a bin of weight 1 or less has no estimate and counts as 0.

    Args:
        pred: `(N, K)`, probabilities.
        target: `(N,)`, integers in `[0, K)`.
        sample_weight: `(N,)`, nonnegative; weight 2 is the row twice, weight 0 the row absent.
        bins: most bins, positive.

    Returns:
        A scalar in `[0, 1]`, float64.

    Raises:
        ValueError: shapes or values that do not fit, rows that are no probabilities, or no row of positive weight.
        TypeError: dtypes that do not fit.

    Reference:
        Kumar, Liang and Ma (2019), the debiased estimator of the squared error, for top-label calibration.
    """
    require_integer("bins", bins, least=1)
    probabilities, target, weight = checked_prediction(pred, target, sample_weight, takes="probabilities")
    confidence, predicted = probabilities.max(1)
    bin_of = _equal_mass_bins(confidence, weight, bins)
    mass = bin_of.bincount(weight, minlength=bins)
    hit_mass = bin_of.bincount(weight * (predicted == target), minlength=bins)
    confident_mass = bin_of.bincount(weight * confidence, minlength=bins)
    counts = mass > 1
    mass, hit_mass, confident_mass = mass[counts], hit_mass[counts], confident_mass[counts]
    accuracy = hit_mass / mass
    # the largest accuracy may round to a little more than one
    noise = accuracy * (1 - accuracy).clamp_min(0.0) / (mass - 1)
    squared = (confident_mass / mass - accuracy).square() - noise
    return ((mass * squared).sum() / weight.sum()).clamp_min(0.0).sqrt()


def _equal_mass_bins(values: Tensor, weight: Tensor, bins: int) -> Tensor:
    """The bin of each row `(N,)`: where the middle of its value's mass lies among all rows, sorted by value."""
    total = weight.sum()
    bins = max(1, min(bins, int(total / ROWS_PER_BIN)))
    unique, place = values.unique(return_inverse=True)
    mass = place.bincount(weight, minlength=len(unique))
    middle = (mass.cumsum(0) - mass / 2) / total
    bin_of: Tensor = (middle * bins).floor().long().clamp(0, bins - 1)[place]
    return bin_of

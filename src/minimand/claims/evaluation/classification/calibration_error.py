"""Does the debiased calibration error leave out the noise that the plug-in error counts as miscalibration?"""

from __future__ import annotations

import math

from torch import Generator, Tensor

from minimand.claims.tasks.gaussians import GaussianClusters
from minimand.contracts.claim import MeanWithin, property_claim
from minimand.evaluation import calibration_error_metric

BINS = 15
ROWS_IN_A_BIN = 20
SHARPENING = 1.8
REPEATS = 100


@property_claim(
    of=calibration_error_metric,
    says="The square of the debiased calibration error is unbiased for the squared error of an over-confident model "
    "in the same bins, at 20 rows a bin.",
    where="Kumar, Liang and Ma (2019): the debiased estimator of the squared calibration error",
    gap="Top-label calibration of one sharpened model on Gaussian clusters; the error is large enough that the "
    "square is hardly ever cut off at 0.",
    tier="quick",
    expects=MeanWithin(-0.002, 0.002),
)
def square_is_unbiased(seed: int, *, broken: bool = False) -> float:
    rng = Generator().manual_seed(seed)
    clusters = GaussianClusters.random(rng, n_classes=4, n_features=3, spread=1.0)
    errors = []
    for _ in range(REPEATS):
        rows = clusters.sample(BINS * ROWS_IN_A_BIN, rng)
        log_truth = clusters.log_posterior(rows.x).double()
        stated = (SHARPENING * log_truth).softmax(1)
        confidence, predicted = stated.max(1)
        chance = log_truth.exp().gather(1, predicted[:, None]).squeeze(1)
        bins = confidence.argsort().chunk(BINS)
        exact = _squared_error(confidence, chance, bins)
        if broken:  # the plug-in error: what was hit in place of the chance of it
            estimate = _squared_error(confidence, (predicted == rows.y).double(), bins)
        else:
            estimate = float(calibration_error_metric(stated, rows.y, bins=BINS)) ** 2
        errors.append(estimate - exact)
    return math.fsum(errors) / REPEATS


def _squared_error(confidence: Tensor, accuracy: Tensor, bins: tuple[Tensor, ...]) -> float:
    gaps = [float((confidence[rows] - accuracy[rows]).mean()) for rows in bins]
    return math.fsum(gap**2 for gap in gaps) / len(gaps)

"""Does Huber loss resist gross outliers in the targets?"""

from __future__ import annotations

from minimand.claims.tasks.regression import log_errors_under_outliers
from minimand.contracts.claim import Beats, Ties, comparative_claim
from minimand.losses import huber_loss

FIFTEEN_PERCENT = 0.1625
"""Minus the logarithm of 0.85."""


@comparative_claim(
    of=huber_loss,
    says="With 10 % gross outliers in the training targets, Huber loss gives a mean absolute error on clean targets "
    "that is at least 15 % below that of squared error.",
    where="Huber (1964), estimates under contaminated normal distributions; Jadon, Patil and Jadon (2022), section III",
    gap="A network on tabular data with planted outliers on one side stands in for the estimate of a location; delta "
    "is 1 deviation of the contaminated targets and not tuned.",
    tier="standard",
    expects=(
        Beats("robust", "squared_error", margin=FIFTEEN_PERCENT, lower_is_better=True),
        Ties("switched_off", "squared_error", within=0.15),  # a delta beyond every error: half the squared error
    ),
)
def resists_gross_outliers(seed: int) -> dict[str, float]:
    return log_errors_under_outliers(seed, (huber_loss, {}), off=(huber_loss, {"delta": 1e6}))

"""Does absolute error resist gross outliers in the targets?"""

from __future__ import annotations

from minimand.claims.tasks.regression import log_errors_under_outliers
from minimand.contracts.claim import Beats, Ties, comparative_claim
from minimand.losses import huber_loss, mae_loss

FIFTEEN_PERCENT = 0.1625
"""Minus the logarithm of 0.85."""


@comparative_claim(
    of=mae_loss,
    says="With 10 % gross outliers in the training targets, absolute error gives a mean absolute error on clean "
    "targets that is at least 15 % below that of squared error.",
    where="Jadon, Patil and Jadon (2022), section III: mean absolute error is robust to outliers",
    gap="Tabular data with planted outliers on one side in place of the survey's series, and one hidden layer.",
    tier="standard",
    expects=(
        Beats("robust", "squared_error", margin=FIFTEEN_PERCENT, lower_is_better=True),
        Ties("switched_off", "squared_error", within=0.15),
    ),
)
def resists_gross_outliers(seed: int) -> dict[str, float]:
    # with a delta beyond every error Huber loss is half the squared error: what is not robust must tie
    return log_errors_under_outliers(seed, (mae_loss, {}), off=(huber_loss, {"delta": 1e6}))

"""The exceptions and warnings that minimand raises about what its user gave it."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input to a job: one sentence that says what was wrong, where, and how to mend it.

    The command line prints the sentence and exits with code 2, without a traceback.
    """


class MinimandWarning(UserWarning):
    """Something that does not stop the work, but that its user should know."""

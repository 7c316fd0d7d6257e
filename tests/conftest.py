"""One thread in every test: another number of threads may change the last digits, and is slower on small tensors.

Nothing is timed either, so that no test fails because the machine is busy.
"""

from __future__ import annotations

import os

# set before anything imports torch, which reads it once
os.environ["OMP_NUM_THREADS"] = "1"

import hypothesis
import pytest
import torch

torch.set_num_threads(1)
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def one_thread():
    """Put the number of threads back where a test has changed it."""
    yield
    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)

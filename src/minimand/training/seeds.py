"""Seeds by name: one root, and a stream for each role that does not depend on what else was drawn, or in what order."""

from __future__ import annotations

import hashlib

import numpy as np
from torch import Generator


def named_seed(root: int, *names: str | int) -> int:
    """A 63-bit seed for the stream that these names mean under this root.

    Args:
        root: the seed that the user gave, nonnegative.
        *names: the way to the stream, such as `"fold-3", "initialisation"`. What is compared with each other (the
            objective, its settings) must not be among them: then every arm sees the same draws.
    """
    words = [int.from_bytes(hashlib.sha256(str(name).encode()).digest()[:8], "big") for name in names]
    return int(np.random.SeedSequence([root, *words]).generate_state(1, np.uint64)[0] >> 1)


def named_generator(root: int, *names: str | int) -> Generator:
    """A torch generator for the stream that these names mean under this root."""
    return Generator().manual_seed(named_seed(root, *names))

"""Memory of each training sample: one small store keyed by the sample's index, for losses that look back."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from minimand.contracts.arguments import require_integer, require_range


class SampleMemory(nn.Module):
    """A row of numbers for each training sample, moved towards what is seen of it, kept in `state_dict`.

    Rows start at zero. A sample is touched by its own rows only: rows that are absent, or that hold NaN or infinity
    (a step that mixed precision will skip), leave no trace.
    """

    values: Tensor
    _visits: Tensor

    def __init__(self, n_samples: int, width: int) -> None:
        super().__init__()
        require_integer("n_samples", n_samples, least=1)
        require_integer("width", width, least=1)
        self.register_buffer("values", torch.zeros(n_samples, width))
        # scratch for counting, of no meaning between calls: left out of state_dict
        self.register_buffer("_visits", torch.zeros(n_samples), persistent=False)

    @property
    def n_samples(self) -> int:
        """Number of samples remembered."""
        return len(self.values)

    def read(self, index: Tensor) -> Tensor:
        """The rows of these samples `(N, width)`, a copy."""
        return self.values[index]

    @torch.no_grad()
    def blend(self, index: Tensor, seen: Tensor, *, momentum: float, present: Tensor | None = None) -> None:
        """Move each sample's row: momentum times the old one plus (1 - momentum) times the one seen.

        A sample that comes several times in a batch moves once, towards the mean of its rows: the outcome depends
        neither on their order nor on the device.

        Args:
            index: `(N,)`, integers in `[0, n_samples)`.
            seen: `(N, width)`.
            momentum: in `[0, 1]`.
            present: `(N,)` bool, rows that count; None when all do.

        Raises:
            ValueError: `momentum` outside `[0, 1]`.
        """
        require_range("momentum", momentum, least=0.0, most=1.0)
        seen = seen.detach()
        counts = seen.isfinite().all(1)
        if present is not None:
            counts = counts & present
        self._visits.index_fill_(0, index, 0.0)
        self._visits.index_add_(0, index, counts.to(self._visits.dtype))
        share = (1 - momentum) / self._visits[index].clamp_min(1.0)
        step = share[:, None] * (seen.to(self.values.dtype) - self.values[index])
        # rows that do not count add zero: writing the old values back could overwrite what another row has just written
        self.values.index_add_(0, index, torch.where(counts[:, None], step, torch.zeros_like(step)))

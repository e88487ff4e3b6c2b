"""Threads that torch computes with."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

SMALL = 64_000_000  # multiplications of a step; those of less are over before a thread has begun


@contextmanager
def computing_with(count: int | None) -> Iterator[None]:
    """Have torch compute with so many threads meanwhile; None: as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def threads_for_steps(network: nn.Module, sequences: int) -> int | None:
    """Return how many threads step a network best; None: as many as there are.

    A step of few sequences takes less time than threads take to meet, and far less than they take
    where other programs use the cores.
    """
    weights = sum(parameter.numel() for parameter in network.parameters())
    return 1 if weights * sequences < SMALL else None

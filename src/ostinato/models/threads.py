"""Threads that torch computes with."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

FEW = (
    8  # sequences, up to which several threads were measured to be no faster, at any size of model
)


@contextmanager
def computing_with(count: int | None) -> Iterator[None]:
    """Have torch compute with so many threads meanwhile; None: as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def threads_for_steps(sequences: int) -> int | None:
    """Return how many threads step so many sequences best; None: as many as there are.

    Those of few are stepped no faster by several threads, and many times as slowly where other
    programs use the cores: each thread waits for the others at every layer.
    """
    return 1 if sequences <= FEW else None

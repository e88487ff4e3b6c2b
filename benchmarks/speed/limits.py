"""What this machine could do at the most, as measured: arithmetic and reading.

A step of training cannot take less time than its multiplications at the rate of a large product of
matrices; a step of one piece no less than reading all weights once.
"""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

SIZE = 2048  # rows and columns of the product
ROUNDS = 5


def count_flops(compute: Callable[[], Any]) -> int:
    """Return the floating-point operations of products and convolutions in what is computed.

    A recurrent layer's and those of attention are counted as products; a multiplication and an
    addition are two.
    """
    counter = FlopCounterMode(display=False)
    # the kernels of a whole LSTM and of fused attention are operations that are not counted
    with torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH), counter:
        compute()
    return int(counter.get_total_flops())


def peak_flops(dtype: torch.dtype) -> float:
    """Return the operations per second of a product of two large matrices, the best of some."""
    a, b = (torch.randn(SIZE, SIZE).to(dtype) for _ in range(2))
    return 2 * SIZE**3 / _least_seconds(lambda: a @ b)


def read_bandwidth(size: int) -> float:
    """Return the bytes per second at which so many bytes are read again and again by a product."""
    rows = max(1, size // (4 * SIZE))
    weights, vector = torch.randn(rows, SIZE), torch.randn(SIZE)
    return 4 * rows * SIZE / _least_seconds(lambda: weights @ vector)


def _least_seconds(compute: Callable[[], Any]) -> float:
    compute()
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        compute()
        found.append(time.perf_counter() - start)
    return min(found)

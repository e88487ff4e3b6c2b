"""The overlap of two distributions, as it is estimated from two sets of values."""

import numpy as np
from numpy.typing import NDArray

POINTS = 1024  # of the common grid on which two densities are compared


def overlapping_area(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the area under the lower of two densities, from 0 to 1.

    a, b: values (n,) and (m,), none of them empty.

    After Yang and Lerch, "On the evaluation of generative models in music" (Neural Computing and
    Applications 32, 2020), who smooth by Gaussian kernels and integrate the minimum. They compare
    distances between pieces; this compares the values themselves. Both densities have one
    bandwidth (Scott's rule for the smaller set and the mean variance) and one grid, so that equal
    sets overlap fully. Two small samples of one distribution overlap by less than 1.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    deviation = float(np.sqrt((a.var() + b.var()) / 2))
    bandwidth = deviation * min(len(a), len(b)) ** -0.2
    if bandwidth <= 1e-12 * max(1.0, float(np.abs(a).max()), float(np.abs(b).max())):
        return float(np.isclose(a[0], b[0]))
    low = min(a.min(), b.min()) - 4 * bandwidth
    high = max(a.max(), b.max()) + 4 * bandwidth
    step = (high - low) / POINTS
    offsets = np.arange(-POINTS, POINTS + 1) * step
    kernel = np.exp(-0.5 * (offsets / max(bandwidth, step)) ** 2)
    p, q = (_density(values, low, high, kernel) for values in (a, b))
    return float(np.minimum(p, q).sum())


def _density(
    values: NDArray[np.float64], low: float, high: float, kernel: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a histogram on the grid, smoothed by the kernel: (POINTS,), summing to 1."""
    counts, _ = np.histogram(values, POINTS, (low, high))
    smooth = np.convolve(counts, kernel)[POINTS : 2 * POINTS]
    density: NDArray[np.float64] = smooth / smooth.sum()
    return density

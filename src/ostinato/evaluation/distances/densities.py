"""Distances between pieces by each metric, as smoothed densities."""

import numpy as np
from numpy.typing import NDArray

from ostinato.evaluation.distances.vectors import Values

Spectrum = NDArray[np.complex128]
POINTS = 256  # of the grid on which two densities are compared


def pair_densities(ours: Values, real: Values) -> tuple[Values, Values]:
    """Return densities of distances within the real set, and from ours to it.

    ours, real: (pieces, metrics), NaN where a metric is undefined. Returns twice (metrics,
    `POINTS`), each summing to 1, without the metrics that all of ours lack.

    Smoothed as `distributions.overlapping_area` does it, all metrics at once: Gaussian kernels, one
    bandwidth for both (Scott's rule for the smaller set and the mean variance), one grid.
    """
    kept = ~np.isnan(ours).all(axis=0) & ((~np.isnan(real)).sum(axis=0) > 1)
    ours, real = ours.T[kept], real.T[kept]  # (metrics, pieces)
    first, second = np.triu_indices(real.shape[1], 1)
    within = np.abs(real[:, first] - real[:, second])  # (metrics, pairs)
    between = np.abs(ours[:, :, None] - real[:, None, :]).reshape(len(ours), -1)
    if not len(within):
        return np.zeros((0, POINTS)), np.zeros((0, POINTS))
    counts = np.minimum(*((~np.isnan(gaps)).sum(axis=1) for gaps in (within, between)))
    deviation = np.sqrt((np.nanvar(within, axis=1) + np.nanvar(between, axis=1)) / 2)
    # real sets are spread, so that a bandwidth is never 0 but by rounding
    bandwidth = np.maximum(deviation * counts**-0.2, 1e-9)
    high = np.maximum(np.nanmax(within, axis=1), np.nanmax(between, axis=1)) + 4 * bandwidth
    low = np.minimum(np.nanmin(within, axis=1), np.nanmin(between, axis=1)) - 4 * bandwidth
    step = (high - low) / POINTS
    kernel = _transform_kernel(bandwidth / step)
    return _smooth(within, low, step, kernel), _smooth(between, low, step, kernel)


def _transform_kernel(widths: Values) -> Spectrum:
    """Return Fourier transforms of Gaussian kernels: (metrics,) bins -> (metrics, frequencies).

    They are twice as long as the grid, so that what is smoothed does not come round its end.
    """
    offsets = np.arange(2 * POINTS)
    offsets = np.minimum(offsets, 2 * POINTS - offsets)
    kernels = np.exp(-0.5 * (offsets / np.maximum(widths, 1)[:, None]) ** 2)
    spectra: Spectrum = np.fft.rfft(kernels, axis=1)
    return spectra


def _smooth(gaps: Values, low: Values, step: Values, kernel: Spectrum) -> Values:
    """Return a smoothed histogram of each metric's distances (metrics, pairs), summing to 1."""
    places = (gaps - low[:, None]) / step[:, None]
    defined = ~np.isnan(places)
    bins = np.clip(np.where(defined, places, 0).astype(np.int64), 0, POINTS - 1)
    bins += POINTS * np.arange(len(gaps))[:, None]  # a stretch of bins for each metric
    counts = np.bincount(bins[defined], minlength=POINTS * len(gaps)).reshape(-1, POINTS)
    spectrum = np.fft.rfft(counts, 2 * POINTS, axis=1) * kernel
    smooth = np.maximum(np.fft.irfft(spectrum, 2 * POINTS, axis=1)[:, :POINTS], 0)
    density: Values = smooth / smooth.sum(axis=1, keepdims=True)
    return density

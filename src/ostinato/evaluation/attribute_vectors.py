"""Attribute vectors: what is added to latent vectors for more of an attribute.

After Roberts et al., A Hierarchical Latent Vector Model for Learning Long-Term Structure in Music
(ICML 2018), but found by least squares.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.evaluation.latents import decode_attributes
from ostinato.models.variational.vae import ATTRIBUTES, VAE

PRIOR = 2000  # latent vectors that are drawn
TRIED = 100  # segments that are moved
FACTORS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)
ENOUGH = 0.8  # standard deviations
RIDGE = 0.01
SAME = 1e-6  # standard deviation


def measure_attribute_vectors(network: VAE, means: Tensor, seed: int) -> Tensor:
    """Return what to add for one standard deviation more: (attributes, latent_size).

    Latent vectors of the prior are decoded, and by least squares the attributes of what comes out
    are linear in them. The shortest vector that changes one of these and leaves the others as they
    are is the attribute vector; 0 for what never differs. As small steps are decoded to the same
    segment and large ones are not linear, it is made as long as moves segments at `means`, (count,
    latent_size), by about a standard deviation of the prior's segments.
    """
    latent = network.noise(PRIOR, torch.Generator().manual_seed(seed)).to(means.device)
    values = decode_attributes(network, latent)
    defined = ~np.isnan(values).any(axis=1)
    if defined.sum() < 2:
        return torch.zeros_like(network.directions)
    spreads = values[defined].std(axis=0)
    unit = np.where(spreads > SAME, spreads, np.inf)
    found = solve_shortest(latent.cpu().double().numpy()[defined], values[defined] / unit)
    # one row for each attribute, latent_size long
    rows = torch.from_numpy(found).to(network.directions)
    factors = [_factor(network, means[:TRIED], rows, unit, i) for i in range(len(ATTRIBUTES))]
    return rows * torch.tensor(factors).to(rows)[:, None]


def solve_shortest(latent: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shortest vectors that raise each value by 1 and no other: (values, latent_size).

    latent: (count, latent_size); values: (count, values), of variance 1 or 0, taken as linear in
    it. Values whose slopes are no larger than those of noise get shorter vectors.
    """
    count, size = latent.shape
    centred = latent - latent.mean(axis=0)
    products = centred.T @ centred / count + RIDGE * np.eye(size)
    # how much each value grows along each number: (latent_size, values)
    slopes = np.linalg.solve(products, centred.T @ (values - values.mean(axis=0)) / count)
    # what slopes of pure noise come to, on the diagonal: (values, values)
    noise_floor = size / count * np.eye(slopes.shape[1])
    rows: NDArray[np.float64] = np.linalg.solve(slopes.T @ slopes + noise_floor, slopes.T)
    return rows


def _factor(network: VAE, means: Tensor, rows: Tensor, unit: NDArray[np.float64], i: int) -> float:
    """Return by how much to lengthen vector i, so that it moves its attribute by its unit."""
    if not rows[i].any() or not len(means):
        return 1.0
    most, best = 0.0, 1.0
    for factor in FACTORS:
        ends = [
            decode_attributes(network, means + sign * factor * rows[i])[:, i] for sign in (1, -1)
        ]
        defined = ~np.isnan(ends).any(axis=0)
        change = (ends[0] - ends[1])[defined].mean() / 2 / unit[i] if defined.any() else 0.0
        if change > most:
            most, best = float(change), factor
        if change >= ENOUGH:
            break
    return best

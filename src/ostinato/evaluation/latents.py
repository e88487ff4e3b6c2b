"""Metrics of latent vectors: reconstruction, prior, attributes, interpolation."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.evaluation.segments import CLASSES, attributes, count_differences, features
from ostinato.models.variational.vae import ATTRIBUTES, VAE
from ostinato.representations.voice_roll import VoiceRoll, concatenate
from ostinato.sampling.voice_rolls import draw_segments

ACTIVE = 0.01  # variance of the posterior's mean
CHUNK = 250  # segments at once
MIDDLE = (10.0, 90.0)  # percentiles
STEPS = 7  # of an interpolation
PAIRS = 50
AMOUNTS = (-2, -1, 1, 2)  # of a direction

# Krumhansl and Kessler 1982: how well each pitch class fits into a key on C
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
RELATIVE = 3  # semitones from a minor key up to the major one of the same notes


class Scores(NamedTuple):
    """Of segments: nll (count,) and kl (count, latent_size) in nats, means (count, latent_size).

    forced: the share of tokens that are the likeliest given the posterior's mean and those before;
    of a piano-roll, the share of whole frames.
    """

    nll: Tensor
    kl: Tensor
    means: Tensor
    forced: float


@torch.no_grad()
def score(network: VAE, tokens: Tensor, noise: Tensor) -> Scores:
    """Return the scores of tokens (count, steps, voices), by noise (count, latent_size)."""
    parts = []
    right = 0
    for at in range(0, len(tokens), CHUNK):
        some, random = tokens[at : at + CHUNK], noise[at : at + CHUNK]
        posterior = network.encode(some)
        parts.append((network.nll(posterior.sample(random), some), posterior.kl(), posterior.mean))
        same = network.decoder.argmax(posterior.mean, some) == some
        right += int((same.all(dim=2) if network.spec.one_voice_per_pitch else same).sum())
    nll, kl, means = (torch.cat(part) for part in zip(*parts, strict=True))
    return Scores(nll, kl, means, right / len(tokens) / network.tokens)


def decode_segments(network: VAE, latent: Tensor) -> VoiceRoll:
    """Return the segments of latent vectors (count, latent_size), some at once."""
    chunks = (latent[at : at + CHUNK] for at in range(0, len(latent), CHUNK))
    return concatenate([draw_segments(network, chunk) for chunk in chunks])


def compare_reconstruction(ours: VoiceRoll, theirs: VoiceRoll) -> dict[str, float]:
    """Return how exactly segments came out: a note is exact in voice, onset, pitch and length.

    exact: the share of the given notes that are there again; invented: of the notes that came out,
    the share that was not given; segments: the share of segments in which neither is amiss.
    """
    same = (ours.onset & theirs.onset) & (ours.pitch == theirs.pitch)
    same &= ours.durations == theirs.durations
    # notes of each segment: (segments,)
    found, given, came = (notes.sum(axis=(1, 2)) for notes in (same, theirs.onset, ours.onset))
    return {
        "exact": float(found.sum() / max(1, given.sum())),
        "invented": float(1 - found.sum() / max(1, came.sum())),
        "segments": float(((found == given) & (found == came)).mean()),
    }


def count_active_units(means: Tensor) -> int:
    """Return how many latent units are active: how many depend on the segments.

    Those whose posterior mean varies by more than 0.01: Burda, Grosse and Salakhutdinov, Importance
    Weighted Autoencoders (ICLR 2016).
    """
    return int((means.var(dim=0) > ACTIVE).sum()) if len(means) > 1 else 0


def compare_with_middle(ours: VoiceRoll, theirs: VoiceRoll) -> dict[str, dict[str, float]]:
    """Return where ours lie beside the middle 80 % of their segments, by three metrics.

    low, high: the 10th and 90th percentile of theirs; mean, median: of ours; share: how many of
    ours lie between them, both included. What is undefined for a segment is left out.
    """
    compared = {}
    ours_by, theirs_by = (_three_metrics(roll) for roll in (ours, theirs))
    for name, values in ours_by.items():
        defined, others = values[~np.isnan(values)], theirs_by[name][~np.isnan(theirs_by[name])]
        if not len(defined) or not len(others):
            continue
        low, high = np.percentile(others, MIDDLE)
        compared[name] = {
            "low": float(low),
            "high": float(high),
            "mean": float(defined.mean()),
            "median": float(np.median(defined)),
            "share": float(((defined >= low - 1e-9) & (defined <= high + 1e-9)).mean()),
        }
    return compared


def _three_metrics(roll: VoiceRoll) -> dict[str, NDArray[np.float64]]:
    values = features(roll)
    density = attributes(roll)["note_density"]
    names = ("pitch_class_entropy", "scale_consistency")
    return {"note_density": density, **{name: values[name] for name in names}}


def decode_attributes(network: VAE, latent: Tensor) -> NDArray[np.float64]:
    """Return the `ATTRIBUTES` of the segments of latent vectors, NaN where undefined.

    (count, attributes).
    """
    values = attributes(decode_segments(network, latent))
    return np.stack([values[name] for name in ATTRIBUTES], axis=1)


def measure_attribute_changes(network: VAE, means: Tensor) -> dict[str, dict[str, float]]:
    """Return how far attributes move when so much of their vector is added to latent vectors.

    Of each of the `AMOUNTS`, by its name, the mean change of the attribute; spread: its standard
    deviation as it was.
    """
    before = decode_attributes(network, means)
    spreads = np.nanstd(before, axis=0)
    changes: dict[str, dict[str, float]] = {}
    for number, name in enumerate(ATTRIBUTES):
        changes[name] = {"spread": float(spreads[number])}
        for amount in AMOUNTS:
            after = decode_attributes(network, means + amount * network.directions[number])
            changes[name][str(amount)] = float(np.nanmean((after - before)[:, number]))
    return changes


def measure_smoothness(network: VAE, means: Tensor) -> dict[str, float]:
    """Return how evenly segments change when pairs of them are interpolated in seven steps.

    change: the mean share of places, as `count_differences` gives it, at which what sounds differs
    from the step before; largest: that of the largest change between a pair; of_piano_rolls: the
    largest where piano-rolls are mixed and what is more than half is kept, which change all at
    once.
    """
    pairs = means[: len(means) // 2 * 2].reshape(-1, 2, means.shape[1])[:PAIRS]
    changes, whole = [], []
    for ends in pairs:
        roll = decode_segments(network, network.interpolate(ends, STEPS))
        pitch, is_pianoroll = roll.pitch, roll.one_voice_per_pitch
        changes.append(count_differences(pitch[1:], pitch[:-1], is_pianoroll))
        whole.append(float(count_differences(pitch[0], pitch[-1], is_pianoroll)))
    if not changes:
        return {}
    each = np.stack(changes)
    return {
        "change": float(each.mean()),
        "largest": float(each.max(axis=1).mean()),
        "of_piano_rolls": float(np.mean(whole)),
    }


def find_keys(roll: VoiceRoll) -> NDArray[np.int64]:
    """Return the key of each segment, the tonic of the major key with its notes: (segments,).

    C is 0. By the profiles of Krumhansl and Kessler (1982), of what sounds at each step.
    """
    sounds = np.zeros((len(roll), CLASSES))
    rows = np.nonzero(roll.sounding)[0]
    np.add.at(sounds, (rows, roll.pitch[roll.sounding] % CLASSES), 1)
    # the profile of every major and then of every minor key: (24, 12)
    fits = [
        [np.roll(profile, tonic) - np.mean(profile) for tonic in range(CLASSES)]
        for profile in (MAJOR, MINOR)
    ]
    best = (sounds @ np.concatenate(fits).T).argmax(axis=1)
    keys: NDArray[np.int64] = np.where(best < CLASSES, best, (best + RELATIVE) % CLASSES)
    return keys


def project_to_plane(means: Tensor) -> NDArray[np.float64]:
    """Return latent vectors along the two directions in which they differ most: (count, 2)."""
    centred = (means - means.mean(dim=0)).double().cpu().numpy()
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    points: NDArray[np.float64] = centred @ axes[:2].T
    return points


def flatten_figures(figures: Mapping[str, Any], before: str = "") -> dict[str, float]:
    """Return numbers within mappings by their dotted names; lists are left out."""
    flat: dict[str, float] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            flat |= flatten_figures(value, f"{before}{name}/")
        elif isinstance(value, int | float):
            flat[f"{before}{name}"] = float(value)
    return flat

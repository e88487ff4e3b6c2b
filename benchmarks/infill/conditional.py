"""What models say of the part of a piece that is not given, in nats, and what they make of it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato.methods.masked.drawing import draw
from ostinato.models.bundle import load_bundle
from ostinato.models.masked.cells import Cells, read_cells
from ostinato.models.masked.masks import stratified_masks
from ostinato.representations.monophonic import REST, grid_to_tokens, tokens_to_grid
from ostinato.sampling.filling import PartialPiece
from ostinato.sampling.settings import Sampling
from ostinato.sampling.smc import GivenTokens, ParticleSettings, conditional_nll, fill

Tokens = NDArray[np.integer[Any]]
PARTICLES, REPETITIONS = 64, 2
MASKS = 64  # of each piece, by which the mean over orders is estimated


class Model(ABC):
    """A trained model, or a rule, that fills in a task of which `truth` is known.

    truth: (steps, voices) tokens; what is to be made is where the task is not `known`.
    """

    @abstractmethod
    def nats(self, task: PartialPiece, truth: Tokens, seed: int) -> float | None:
        """Return -log p of the unknown tokens, given what the model makes use of."""

    @abstractmethod
    def fill(self, task: PartialPiece, truth: Tokens, settings: Sampling, seed: int) -> Tokens:
        """Return the tokens (steps, voices) with something in place of the unknown ones."""


class Trained(Model):
    """A bundle of a model of voices."""

    def __init__(self, folder: Path) -> None:
        self.bundle = load_bundle(folder)
        self.network: Any = self.bundle.network.eval()
        self.representation: Any = self.bundle.representation

    def batch(self, truth: Tokens) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return inputs, positions and targets of one whole piece, as in training."""
        end, tokens = self.representation.size - 1, truth.ravel().astype(np.int64)
        inputs = np.concatenate([[end], tokens])
        positions = self.representation.positions(inputs).astype(np.int64)
        targets = np.concatenate([tokens, [end]])
        inputs_, positions_, targets_ = map(torch.from_numpy, (inputs, positions, targets))
        return inputs_[None], positions_[None], targets_[None]

    def cells(self, truth: Tokens) -> Cells:
        """Return the cells of one whole piece."""
        return read_cells(*self.batch(truth), spec=self.network.spec)


class LeftToRight(Trained):
    """A sequence model that does not look ahead: each token given the true ones before it.

    It draws in the same way: given tokens are put in where they are reached.
    """

    particles = 1  # a single one has nothing to be weighed against
    effective = 1.0

    @torch.no_grad()
    def nats(self, task: PartialPiece, truth: Tokens, seed: int) -> float:
        del seed
        nll = self.network.score(*self.batch(truth))[0, : truth.size]
        return float(nll[torch.from_numpy(~task.known.ravel())].double().sum())

    def fill(self, task: PartialPiece, truth: Tokens, settings: Sampling, seed: int) -> Tokens:
        del settings
        given = GivenTokens(truth.ravel(), task.known.ravel(), task.must_begin.ravel())
        particles = ParticleSettings(self.particles)
        filled = fill(self.network, self.representation, given, particles, seed)
        self.effective = filled.effective
        return filled.steps.reshape(truth.shape)


class Particles(LeftToRight):
    """The same model by sequential Monte Carlo."""

    particles = PARTICLES

    def nats(self, task: PartialPiece, truth: Tokens, seed: int) -> float:
        given = GivenTokens(truth.ravel(), task.known.ravel())
        particles = ParticleSettings(self.particles)
        arguments = (self.network, self.representation, given, particles, seed)
        return conditional_nll(*arguments, REPETITIONS)


class Masked(Trained):
    """A masked model: the mean over orders of what is unknown."""

    @torch.no_grad()
    def nats(self, task: PartialPiece, truth: Tokens, seed: int) -> float:
        cells = self.cells(truth)
        region = torch.zeros_like(cells.real)
        region[0, 1 : len(truth) + 1] = torch.from_numpy(~task.known)
        size, total = float(region.sum()), 0.0
        for unknown in stratified_masks(region, MASKS, seed):
            total += float(self.network.nll(cells, unknown).sum()) * size / float(unknown.sum())
        return total / MASKS

    def fill(self, task: PartialPiece, truth: Tokens, settings: Sampling, seed: int) -> Tokens:
        del truth
        return draw(self.network, [task], settings, seed, None)[0]


class NearestBar(Model):
    """Puts in the cells of a training passage whose given cells are most like those of the task.

    Bar by bar; passages are transposed so that what is given fits best. It has no probabilities.
    """

    def __init__(self, training: Sequence[Tokens], bar: int) -> None:
        self.bar = bar
        bars = []
        for tokens in training:
            pitch, onset = tokens_to_grid(tokens[None])
            whole = np.where(onset[0], 0, 1000) + pitch[0]  # what is held is another symbol
            bars += [whole[i : i + bar] for i in range(0, len(whole) - bar + 1, bar)]
        self.bars = np.stack(bars)

    def nats(self, task: PartialPiece, truth: Tokens, seed: int) -> None:
        del task, truth, seed
        return

    def fill(self, task: PartialPiece, truth: Tokens, settings: Sampling, seed: int) -> Tokens:
        del settings, seed
        pitch, onset = (part[0].astype(np.int64) for part in tokens_to_grid(truth[None]))
        made_pitch, made_onset = pitch.copy(), onset.astype(bool)
        for first in range(0, len(truth), self.bar):
            part = slice(first, first + self.bar)
            unknown = ~task.known[part]
            if not unknown.any():
                continue
            own = np.where(onset[part], 0, 1000) + pitch[part]
            best = self._most_like(own, unknown, pitch, first)
            new_pitch = np.where(best >= 1000, best - 1000, best)
            made_pitch[part] = np.where(unknown, new_pitch, pitch[part])
            made_onset[part] = np.where(unknown, best < 1000, onset[part] > 0)
        made_onset &= made_pitch != REST
        return grid_to_tokens(made_pitch[None], made_onset[None])[0].astype(np.int64)

    def _most_like(
        self,
        own: Tokens,
        unknown: NDArray[np.bool_],
        pitch: Tokens,
        first: int,
    ) -> Tokens:
        """Return the bar, moved, that agrees with most given cells, or follows on the step before.

        own: (steps, voices) of the bar; others: as own.
        """
        candidates = self.bars[:, : len(own)]
        sounds = candidates % 1000 < REST
        scores = []
        for semitones in range(-6, 7):
            moved = candidates + np.where(sounds, semitones, 0)
            if unknown.all() and first:  # nothing of the bar is given: what it must follow on
                agree = (moved[:, 0] % 1000 == pitch[first - 1]).sum(axis=1)
            else:
                agree = ((moved == own) & ~unknown).sum(axis=(1, 2))
            scores.append(agree)
        table = np.stack(scores)
        shift, row = np.unravel_index(int(table.argmax()), table.shape)
        return candidates[row] + np.where(sounds[row], int(shift) - 6, 0)

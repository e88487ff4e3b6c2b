"""Filling music in from left to right, knowing what is given further on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato import console
from ostinato.methods.base import TEST, Sample, Samples, SamplingTask
from ostinato.models.anticipation import Ahead, AnticipationModel
from ostinato.models.masked.cells import read_cells
from ostinato.representations.monophonic import HOLD, REST
from ostinato.representations.voices import Voices
from ostinato.sampling import filling
from ostinato.sampling.filling import Task
from ostinato.sampling.settings import Sampling
from ostinato.sampling.strategies import Sampler


def sample_filled(task: SamplingTask) -> Samples:
    """Return pieces whose unknown part is drawn; raises `UserError` for unusable music."""
    settings: Any = task.settings
    network: Any = task.bundle.network
    representation: Any = task.bundle.representation
    found = filling.find_tasks(settings, task.test_pieces, representation)
    tasks = [found[i % len(found)] for i in range(settings.pieces)]
    samples = []
    for i, tokens in enumerate(draw(network, representation, tasks, settings, task.seed)):
        name = f"sample-{i + 1:02d}"
        piece, given = filling.finish(tasks[i], tokens, representation, task.bundle.setting, name)
        about = filling.describe(settings.piece, tasks[i].piece, given)
        samples.append(Sample(piece, None, about))
    first = tasks[0].piece
    return Samples(samples, first.name if first is not None and settings.piece == TEST else None)


@torch.no_grad()
def draw(
    network: AnticipationModel,
    representation: Voices,
    tasks: Sequence[Task],
    settings: Sampling,
    seed: int,
) -> list[NDArray[np.integer[Any]]]:
    """Return the tokens (steps, voices) of each task, all side by side; the same for a seed."""
    network.eval()
    device = next(network.parameters()).device
    tokens, known, begins = _gather(tasks)
    end = representation.size - 1
    ahead = _anticipate(network, representation, tokens, known, end)
    grammar, state = representation.grammar(len(tasks)), None
    random = torch.Generator().manual_seed(seed)
    notes = torch.from_numpy(representation.note_counts() > 0)
    last, made = np.full(len(tasks), end), np.where(known, tokens, -1)
    for i in console.track(range(tokens.shape[1]), "filling in", tokens.shape[1]):
        positions = torch.from_numpy(grammar.positions().astype(np.int64))[:, None].to(device)
        steps = torch.from_numpy(last.astype(np.int64))[:, None].to(device)
        logits, state = network(steps, positions, state=state, ahead=ahead.at(i))
        legal = grammar.legal()
        legal[:, end] = False
        legal[begins[:, i], HOLD] = False
        drawn = Sampler(settings, random, torch.from_numpy(legal), None, notes)
        chosen = np.where(known[:, i], tokens[:, i], drawn.categorical(logits[:, 0]).cpu().numpy())
        made[:, i] = last = chosen
        # a given token may be one that no grammar would write, as a long silence
        allowed = legal[np.arange(len(chosen)), chosen]
        grammar.advance(np.where(allowed, chosen, legal.argmax(axis=1)))
    return [made[i, : task.tokens.size].reshape(task.tokens.shape) for i, task in enumerate(tasks)]


def _gather(tasks: Sequence[Task]) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[Any]]:
    """Return tokens, which are known, and which begin: (tasks, time) each, rests after the end."""
    longest = max(task.tokens.size for task in tasks)
    tokens = np.full((len(tasks), longest), REST, np.int64)
    known, begins = np.ones(tokens.shape, np.bool_), np.zeros(tokens.shape, np.bool_)
    for row, task in enumerate(tasks):
        part = slice(task.tokens.size)
        tokens[row, part] = task.tokens.ravel()
        known[row, part], begins[row, part] = task.known.ravel(), task.must_begin.ravel()
    return tokens, known, begins


def _anticipate(
    network: AnticipationModel,
    representation: Voices,
    tokens: NDArray[np.int64],
    known: NDArray[np.bool_],
    end: int,
) -> Ahead:
    """Return what is known at each token of pieces that are known in part."""
    device = next(network.parameters()).device
    inputs = np.concatenate([np.full((len(tokens), 1), end), tokens], axis=1)
    targets = np.concatenate([tokens, np.full((len(tokens), 1), end)], axis=1)
    positions = np.stack([representation.positions(row) for row in inputs]).astype(np.int64)
    steps, of_steps, following = (
        torch.from_numpy(part).to(device) for part in (inputs, positions, targets)
    )
    cells = read_cells(steps, of_steps, following, network.spec)
    given = torch.from_numpy(known.reshape(len(tokens), -1, network.voices)).to(device)
    whole = torch.zeros_like(cells.real)
    whole[:, 1 : given.shape[1] + 1] = given
    return network.anticipate(cells, whole & cells.real, tokens.shape[1])

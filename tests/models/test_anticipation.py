"""A model that anticipates knows all that is given, and nothing of what is to be made."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from defaults import node_of
from ostinato.config import Config
from ostinato.methods.anticipation.sampling import draw
from ostinato.models.anticipation import AnticipationModel
from ostinato.models.bundle import build_network
from ostinato.models.masked.cells import read_cells
from ostinato.representations.monophonic import HOLD, REST
from ostinato.sampling.filling import Task
from small_networks import REPRESENTATIONS

VOICES: Any = REPRESENTATIONS["voices"]
STEPS = 8


def network_of(seed: int = 0) -> AnticipationModel:
    """A small network with random weights, also where training begins with zeros."""
    model = node_of("model=anticipation", anticipation_size=16)
    model["backbone"] |= {"hidden_size": 16, "dropout": 0.0}
    model["voices"]["input"]["embedding_size"] = model["voices"]["backbone"]["hidden_size"] = 8
    config = Config(
        {
            "representation": node_of("representation=voices"),
            "model": model,
            "method": node_of("method=anticipation.method"),
            "choices": {"model": "anticipation", "representation": "voices"},
        }
    )
    torch.manual_seed(seed)
    network: Any = build_network(config, VOICES)
    for layer in (network.to_logits, network.to_intervals):
        torch.nn.init.normal_(layer.weight, std=0.3)
    network.eval()
    return network


def random_tokens(seed: int, steps: int = STEPS) -> np.ndarray[Any, Any]:
    """Notes of one step or two in every voice: (steps, 4)."""
    random = np.random.default_rng(seed)
    tokens = random.integers(55, 70, (steps, 4))
    tokens[1::2] = np.where(random.random(tokens[1::2].shape) < 0.5, HOLD, tokens[1::2])
    return tokens


def batch(*pieces: np.ndarray[Any, Any]) -> tuple[Tensor, Tensor, Tensor]:
    end, longest = VOICES.size - 1, max(piece.size for piece in pieces)
    rows: list[list[Any]] = [[], [], []]
    for piece in pieces:
        missing = longest - piece.size
        tokens = piece.ravel()
        inputs = np.concatenate([[end], tokens, np.full(missing, end)])
        positions = VOICES.positions(np.concatenate([[end], tokens])).astype(np.int64)
        positions = np.concatenate([positions, np.repeat(positions[-1:], missing, axis=0)])
        targets = np.concatenate([tokens, [end], np.full(missing, -100)])
        for row, part in zip(rows, (inputs, positions, targets), strict=True):
            row.append(torch.from_numpy(part.astype(np.int64)))
    inputs_, positions_, targets_ = (torch.stack(row) for row in rows)
    return inputs_, positions_, targets_


@torch.no_grad()
def logits(
    network: AnticipationModel, given: np.ndarray[Any, Any], *pieces: np.ndarray[Any, Any]
) -> Tensor:
    """Logits of pieces of which some cells (steps, 4) are given."""
    inputs, positions, targets = batch(*pieces)
    cells = read_cells(inputs, positions, targets, network.spec)
    mask = torch.zeros_like(cells.real)
    mask[:, 1 : len(given) + 1] = torch.from_numpy(given)
    ahead = network.anticipate(cells, mask & cells.real, targets.shape[1])
    found: Tensor = network(inputs, positions, ahead=ahead)[0]
    return found


def test_where_nothing_is_given_it_is_a_plain_sequence_model() -> None:
    network, piece = network_of(), random_tokens(1)
    inputs, positions, _ = batch(piece)
    nothing = np.zeros((STEPS, 4), bool)
    with torch.no_grad():
        plain = network(inputs, positions)[0]
    torch.testing.assert_close(logits(network, nothing, piece), plain)


def test_what_is_given_further_on_counts() -> None:
    network, piece = network_of(), random_tokens(1)
    given = np.zeros((STEPS, 4), bool)
    given[6, 2] = True
    other = piece.copy()
    other[6, 2] = 40
    moved = (logits(network, given, piece) - logits(network, given, other)).abs().amax(-1)[0]
    assert (moved[: 6 * 4 + 2] > 1e-5).all()  # all tokens before it


def test_what_is_to_be_made_is_not_seen_before_it_is_there() -> None:
    network, piece = network_of(), random_tokens(1)
    given = np.random.default_rng(0).random((STEPS, 4)) < 0.4
    seen = logits(network, given, piece)
    for place in np.flatnonzero(~given.ravel()):
        if piece.ravel()[place] == HOLD or np.append(piece[1:], [[0] * 4], axis=0).ravel()[
            place
        ] == (HOLD):
            continue  # what is held sounds what is changed
        other = piece.copy()
        other.ravel()[place] = 90
        changed = logits(network, given, other)
        torch.testing.assert_close(changed[0, : place + 1], seen[0, : place + 1])
        assert not torch.allclose(changed[0, place + 1 :], seen[0, place + 1 :])


def test_a_piece_is_read_alike_whatever_lies_beside_it() -> None:
    network, piece, longer = network_of(), random_tokens(1), random_tokens(2, 19)
    given = np.random.default_rng(0).random((STEPS, 4)) < 0.5
    alone = logits(network, given, piece)[0]
    beside = logits(network, given, piece, longer)[0]
    torch.testing.assert_close(beside[: len(alone)], alone, rtol=1e-4, atol=1e-5)


def test_given_notes_stay_and_the_seed_decides_the_others() -> None:
    from defaults import build

    network = network_of()
    tokens, known = random_tokens(3), np.zeros((STEPS, 4), bool)
    known[:, 0] = known[5:] = True
    tasks = [Task(np.where(known, tokens, REST), known)]
    settings = build("sampling=infill")
    first, again, other = (draw(network, VOICES, tasks, settings, seed)[0] for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    assert (first[known] == tokens[known]).all()
    after = np.zeros_like(known)
    after[1:] = known[:-1]
    assert (first[after & ~known] != HOLD).all()


def test_it_learns_from_what_comes_later() -> None:
    """In these pieces the second voice sings now what the first will sing in the next step."""
    network, random = network_of(), np.random.default_rng(0)
    network.train()
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    given = torch.zeros(16, STEPS + 3, 4, dtype=torch.bool)
    given[:, 1 : STEPS + 1, 0] = True
    found = {}
    for step in range(150):
        pieces = []
        for _ in range(16):
            piece = random.integers(55, 70, (STEPS, 4))
            piece[:-1, 1] = piece[1:, 0]
            pieces.append(piece)
        inputs, positions, targets = batch(*pieces)
        cells = read_cells(inputs, positions, targets, network.spec)
        nats = []
        for known in (given, torch.zeros_like(given)):
            ahead = network.anticipate(cells, known & cells.real, targets.shape[1])
            nll = network.head.nll(network(inputs, positions, ahead=ahead)[0], targets)
            nats.append(nll[:, 1 : 4 * (STEPS - 1) : 4].mean())
        optimizer.zero_grad()
        (nats[0] + nats[1]).backward()
        optimizer.step()
        found[step] = [float(value.detach()) for value in nats]
    told, untold = found[149]
    assert untold > 2.3  # ln 15 = 2.7 is what nobody can know
    assert told < 1.0

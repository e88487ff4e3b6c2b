"""What is drawn by sequential Monte Carlo is what the model would draw, had it seen the future."""

import itertools
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from defaults import build
from ostinato.errors import ImpossibleConditionError
from ostinato.models.bundle import build_network
from ostinato.models.sequence import SequenceModel
from ostinato.music.piece import Piece
from ostinato.representations.base import TokenRepresentation
from ostinato.representations.monophonic import HOLD, REST
from ostinato.sampling.smc import (
    GivenTokens,
    ParticleSettings,
    Population,
    conditional_nll,
    fill,
    run_particles,
)
from small_networks import config_of, network_of

ALPHABET = (60, 64, REST, HOLD)
PIECE = np.array([60, 64, 64, HOLD, HOLD, 60])  # two voices, three steps
GIVEN = {
    "a voice": np.array([True, False] * 3),
    "all but the middle step": np.array([True, True, False, False, True, True]),
}
EVERY = pytest.mark.parametrize("given", GIVEN)


MANY = {  # 100,000 draws, which are those of 5 seeds
    "a voice": ParticleSettings(particles=20_000, branches=1, least_effective=1.0),
    "all but the middle step": ParticleSettings(particles=5_000, branches=4),
}
SEEDS = range(5)
FEW = ParticleSettings(particles=8, branches=2)


class Tiny(NamedTuple):
    """A network that draws no tokens but those of the alphabet and the end."""

    network: SequenceModel
    representation: TokenRepresentation


@cache
def tiny(end_token: bool = True) -> Tiny:
    settings = {"voices": 2, "steps_per_quarter": 1, "bar_steps": 4, "position_bars": 1}
    config = config_of("voices", **settings, history=None, end_token=end_token)
    representation = config.build("representation")
    torch.manual_seed(2)
    network = build_network(config, representation).eval()
    assert isinstance(network, SequenceModel)
    never = torch.ones(representation.size, dtype=torch.bool)
    never[[*ALPHABET, *([representation.end] if end_token else [])]] = False
    with torch.no_grad():
        for parameter in network.parameters():
            parameter *= 2  # a network with opinions
        network.head.logits.bias[never] = -torch.inf  # type: ignore[index, union-attr]
    return Tiny(network, representation)


@torch.no_grad()
def log_probabilities(model: Tiny, pieces: NDArray[np.int64]) -> NDArray[np.float64]:
    """Log-probabilities of each token of whole pieces (pieces, time), the end included."""
    network, representation = model
    end = representation.end
    ended = pieces if end is None else np.pad(pieces, ((0, 0), (1, 1)), constant_values=end)
    positions = np.stack([representation.positions(row) for row in ended])
    steps = torch.from_numpy(ended)
    logits, _ = network(steps, torch.from_numpy(positions).long())
    logits = logits[:, :-1].double()
    if end is None:  # all tokens are alike at the beginning
        logits = torch.cat([torch.zeros_like(logits[:, :1]), logits], dim=1)
    tokens = ended[:, int(end is not None) :]
    grammar, legal = representation.grammar(len(pieces)), []
    for step in range(tokens.shape[1]):
        legal.append(grammar.legal())
        grammar.advance(tokens[:, step])
    allowed = torch.from_numpy(np.stack(legal, axis=1))
    of_tokens = torch.log_softmax(logits.masked_fill(~allowed, -torch.inf), dim=-1)
    return of_tokens.gather(2, torch.from_numpy(tokens)[..., None])[..., 0].numpy()


def completions(known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """All pieces of the alphabet with the known tokens of `PIECE`: (pieces, time)."""
    drawn = np.array(list(itertools.product(ALPHABET, repeat=int((~known).sum()))))
    pieces = np.tile(PIECE, (len(drawn), 1))
    pieces[:, ~known] = drawn
    return pieces


def total_variation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.abs(one - other).sum() / 2)


def exact(given: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """All completions (pieces, time), and the probability of each with what is given."""
    pieces = completions(GIVEN[given])
    return pieces, np.exp(log_probabilities(tiny(), pieces).sum(axis=1))


@cache
def many(given: str) -> list[Population]:
    return [
        run_particles(*tiny(), GivenTokens(PIECE, GIVEN[given]), MANY[given], seed)
        for seed in SEEDS
    ]


def frequencies(population: Population, pieces: NDArray[np.int64]) -> NDArray[np.float64]:
    """The weight that particles give to each of some pieces."""
    number = {row.tobytes(): i for i, row in enumerate(pieces.astype(np.uint16))}
    found = [number[row.tobytes()] for row in population.tokens]
    return np.bincount(found, population.weights, len(pieces))


@EVERY
def test_particles_follow_the_exact_conditional_distribution(given: str) -> None:
    pieces, joint = exact(given)
    drawn = np.mean([frequencies(population, pieces) for population in many(given)], axis=0)
    assert sum(len(population.tokens) for population in many(given)) >= 100_000
    # after each given token; never where all unknown tokens come in one run
    resampled = {population.resampled for population in many(given)}
    assert resampled == ({2} if given == "a voice" else {0})
    assert total_variation(drawn, joint / joint.sum()) <= 0.02
    # without what lies ahead the same model would draw other things
    ahead = log_probabilities(tiny(), pieces)[:, :-1][:, ~GIVEN[given]].sum(axis=1)
    blind = np.exp(ahead) / np.exp(ahead).sum()
    assert total_variation(blind, joint / joint.sum()) > 0.1


@EVERY
def test_log_evidence_is_that_of_what_is_given(given: str) -> None:
    _, joint = exact(given)
    for population in many(given):
        assert abs(population.log_evidence - np.log(joint.sum())) < 0.02


@EVERY
def test_evidence_of_few_particles_is_right_on_average(given: str) -> None:
    """With few particles the estimate is unbiased, also of each completion by itself."""
    pieces, joint = exact(given)
    runs = [
        run_particles(*tiny(), GivenTokens(PIECE, GIVEN[given]), FEW, seed) for seed in range(200)
    ]
    evidence = np.exp([run.log_evidence for run in runs])
    weighted = [e * frequencies(run, pieces) for e, run in zip(evidence, runs, strict=True)]
    error = np.std(evidence) / np.sqrt(len(runs))
    assert abs(evidence.mean() - joint.sum()) < 3 * error < 0.1 * joint.sum()
    assert total_variation(np.mean(weighted, axis=0), joint) < 0.1 * joint.sum()


def test_branches_make_the_evidence_steadier() -> None:
    def spread(branches: int) -> float:
        settings = ParticleSettings(particles=8, branches=branches)
        runs = [
            run_particles(*tiny(), GivenTokens(PIECE, GIVEN["a voice"]), settings, s)
            for s in range(40)
        ]
        return float(np.std([run.log_evidence for run in runs]))

    assert spread(8) < spread(1) / 2


@pytest.mark.parametrize("end_token", [True, False])
def test_evidence_of_a_whole_piece_is_its_probability(end_token: bool) -> None:
    model = tiny(end_token)
    filled = fill(*model, GivenTokens(PIECE, np.ones(6, bool)), FEW, seed=1)
    assert np.array_equal(filled.steps, PIECE)
    assert filled.log_evidence == pytest.approx(log_probabilities(model, PIECE[None]).sum())
    assert (filled.resampled, filled.effective) == (0, 1.0)


@pytest.mark.parametrize("end_token", [True, False])
def test_conditional_nll_is_that_of_the_unknown_tokens(end_token: bool) -> None:
    model, known = tiny(end_token), GIVEN["a voice"]
    pieces = completions(known)
    joint = np.exp(log_probabilities(model, pieces).sum(axis=1))
    [place] = np.flatnonzero((pieces == PIECE).all(axis=1))
    nats = conditional_nll(*model, GivenTokens(PIECE, known), ParticleSettings(64, 4), seed=1)
    assert nats == pytest.approx(-np.log(joint[place] / joint.sum()), abs=0.05)


def test_pieces_are_drawn_by_their_weights() -> None:
    pieces, joint = exact("all but the middle step")
    filled = [
        fill(*tiny(), GivenTokens(PIECE, GIVEN["all but the middle step"]), FEW, seed)
        for seed in range(200)
    ]
    likeliest = pieces[joint.argmax()]
    share = np.mean([np.array_equal(piece.steps, likeliest) for piece in filled])
    assert share == pytest.approx(joint.max() / joint.sum(), abs=0.1)


@pytest.mark.parametrize("name", ["voices", "pitch", "chords"])
def test_what_is_given_comes_back_and_a_seed_decides_the_rest(
    name: str, short_chorales: list[Piece]
) -> None:
    representation = build(f"representation={name}")
    tokens = representation.encode(short_chorales[0])[:96]
    known = np.arange(len(tokens)) % 4 == 0
    one, same, other = (
        fill(network_of(name), representation, GivenTokens(tokens, known), FEW, seed)
        for seed in (1, 1, 2)
    )
    assert one.steps.dtype == np.uint16
    assert np.array_equal(one.steps[known], tokens[known])
    assert one.steps.tobytes() == same.steps.tobytes()
    assert (one.log_evidence, one.effective) == (same.log_evidence, same.effective)
    assert not np.array_equal(one.steps, other.steps)
    assert np.array_equal(other.steps[known], tokens[known])
    followed(representation, one.steps)
    assert 0 < one.effective <= 1


def followed(representation: TokenRepresentation, tokens: NDArray[np.uint16]) -> None:
    """Check that each token is legal after those before it, and the end after all."""
    grammar = representation.grammar(1)
    for token in [*tokens, representation.end]:
        assert grammar.legal()[0, token]
        grammar.advance(np.array([token]))


def test_unknown_tokens_have_no_meaning() -> None:
    known = GIVEN["a voice"]
    one, other = (
        fill(*tiny(), GivenTokens(np.where(known, PIECE, else_), known), FEW, seed=1)
        for else_ in (0, 999)
    )
    assert np.array_equal(one.steps, other.steps)


@pytest.mark.parametrize(
    ("piece", "known", "where"),
    [
        ([HOLD, 60, 60, 60, 60, 60], [0], "notes that are given at step 1"),  # nothing sounds yet
        ([60, 60, 60, 60, 60, 61], [0, 5], "notes that are given at step 3"),  # never sung
        ([REST] * 6, range(6), "a piece that ends after step 3"),  # without a note
        ([REST, 60, HOLD, 60, 60, 60], [0, 2], "notes that are given at step 2"),  # after a rest
    ],
)
def test_what_cannot_be_is_said(piece: list[int], known: list[int], where: str) -> None:
    given = np.isin(np.arange(6), known)
    with pytest.raises(ImpossibleConditionError, match=f"no probability to.* {where}"):
        fill(*tiny(), GivenTokens(np.array(piece), given), FEW, seed=1)


def test_the_end_is_not_among_what_is_given() -> None:
    model = tiny()
    ended = np.array([60, 60, 60, 60, model.representation.end, 60])
    with pytest.raises(ValueError, match="end token"):
        fill(*model, GivenTokens(ended, np.ones(6, bool)), FEW, seed=1)

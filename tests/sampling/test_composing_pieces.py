"""What a network composes is music, whatever the network knows."""

import functools
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from defaults import build
from ostinato.methods.base import SamplingTask
from ostinato.methods.likelihood import Likelihood
from ostinato.models.bundle import Bundle
from ostinato.music.piece import NOTE, Piece, array
from ostinato.music.piece_defaults import PieceDefaults
from ostinato.representations.base import TokenRepresentation
from ostinato.sampling.prompts import crop_bars
from ostinato.sampling.sequence import compose
from ostinato.sampling.settings import Sampling
from small_networks import config_of, network_of

KINDS: dict[str, TokenRepresentation] = {
    "voices": build("representation=voices"),
    "event": build("representation=event"),
    "pitch": build("representation=pitch"),
}
EVERY = pytest.mark.parametrize("name", KINDS)
FEW = build("sampling=ancestral", pieces=5, candidates=1, min_bars=0, max_bars=6)


@functools.cache
def few(name: str) -> list[NDArray[np.uint16]]:
    """Five short pieces of a network that knows nothing."""
    return composed(name)


def composed(
    name: str, settings: Sampling = FEW, seed: int = 3, prompts: Any = ()
) -> list[NDArray[np.uint16]]:
    drawn = compose(network_of(name), KINDS[name], settings, seed, prompts)
    return [tokens for tokens, _ in drawn]


def beginning(name: str, piece: Piece, bars: int = 2) -> NDArray[np.uint16]:
    return KINDS[name].encode(piece.cropped(0, bars * 4 * piece.resolution))


def followed(representation: TokenRepresentation, tokens: NDArray[np.uint16]) -> None:
    """Check that each token is legal after those before it."""
    grammar = representation.grammar(1)
    for step, token in enumerate(tokens):
        assert grammar.legal()[0, token], f"token {token} at {step}"
        grammar.advance(np.array([token]))


@EVERY
def test_only_legal_tokens_are_drawn(name: str) -> None:
    for tokens in few(name):
        followed(KINDS[name], tokens)


@EVERY
def test_every_piece_has_notes_and_ends_in_time(name: str) -> None:
    pieces = [KINDS[name].decode(tokens) for tokens in few(name)]
    assert len(pieces) == 5
    for piece in pieces:
        assert len(piece.notes)
        assert piece.quarters <= FEW.max_bars * 4 + 16  # the last event may be a long shift


@EVERY
def test_a_seed_gives_the_same_pieces_and_another_seed_others(name: str) -> None:
    one, same, other = few(name), composed(name), composed(name, seed=4)
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert len({tokens.tobytes() for tokens in one}) > 1


@EVERY
def test_torchs_own_random_numbers_do_not_matter(name: str) -> None:
    network = network_of(name)
    settings = build("sampling=ancestral", pieces=2, candidates=2, max_bars=2)
    torch.manual_seed(1)
    one = compose(network, KINDS[name], settings, 3)
    torch.manual_seed(2)
    other = compose(network, KINDS[name], settings, 3)
    assert all(np.array_equal(a.steps, b.steps) for a, b in zip(one, other, strict=True))


@EVERY
def test_prompts_are_continued_word_for_word(name: str, short_chorales: list[Piece]) -> None:
    prompts = [beginning(name, piece) for piece in short_chorales[:2]]
    assert len(prompts[0]) != len(prompts[1]) or name != "event"
    pieces = composed(name, prompts=prompts)
    for i, tokens in enumerate(pieces):
        prompt = prompts[i % 2]
        assert np.array_equal(tokens[: len(prompt)], prompt)
    assert any(len(tokens) > len(prompts[i % 2]) for i, tokens in enumerate(pieces))


def test_continuing_depends_on_the_prompt(short_chorales: list[Piece]) -> None:
    one, other = (beginning("pitch", piece) for piece in short_chorales[:2])
    assert len(one) == len(other)
    network, settings = (
        network_of("pitch"),
        build("sampling=ancestral", pieces=1, candidates=1, max_bars=12),
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter *= 4  # a network with opinions
    ends = [
        compose(network, build("representation=pitch"), settings, 3, [p])[0].steps[len(p) :]
        for p in (one, other)
    ]
    assert not np.array_equal(*ends)


@pytest.mark.parametrize("name", ["voices", "pitch"])
def test_composing_stops_at_the_last_bar(name: str) -> None:
    settings = build("sampling=ancestral", pieces=8, max_bars=2)
    representation = KINDS[name]
    steps = 2 * 4 * representation.resolution * (4 if name == "voices" else 1)
    lengths = [len(tokens) for tokens in composed(name, settings)]
    assert max(lengths) == steps


@EVERY
def test_composed_pieces_hold_no_end_token(name: str) -> None:
    for tokens in few(name):
        assert KINDS[name].end not in tokens


def test_a_network_that_wants_to_end_ends_after_its_first_notes() -> None:
    network = network_of("voices")
    with torch.no_grad():
        network.head.logits.bias[build("representation=voices").end] = 50.0  # type: ignore[index, union-attr]
    for tokens, ended in compose(network, build("representation=voices"), FEW, seed=1):
        assert ended
        assert len(tokens) % 4 == 0
        assert np.any(tokens[-4:] < 128)
        assert np.all(tokens[:-4] >= 128)


def test_a_network_that_never_moves_on_is_stopped() -> None:
    network = network_of("event")
    with torch.no_grad():
        network.head.logits.bias[:256] = 1000.0  # type: ignore[index, union-attr]
    tokens, ended = compose(
        network,
        build("representation=event"),
        build("sampling=ancestral", pieces=1, max_bars=1),
        seed=1,
    )[0]
    assert not ended
    assert len(tokens) <= 4 * 64
    assert len(build("representation=event").decode(tokens).notes)


def test_without_an_end_token_a_prompt_is_continued(short_chorales: list[Piece]) -> None:
    representation = build("representation=pitch", hold=False, end_token=False)
    from ostinato.models.bundle import build_network
    from small_networks import config_of

    network: Any = build_network(config_of("pitch"), representation)
    prompt = representation.encode(short_chorales[0])[:32]
    ((tokens, _),) = compose(
        network, representation, build("sampling=ancestral", pieces=1, max_bars=4), 1, [prompt]
    )
    assert np.array_equal(tokens[:32], prompt)
    assert len(tokens) == 4 * 16
    followed(representation, tokens[32:])


def test_repetition_penalty_makes_notes_repeat_less() -> None:
    def repeated(penalty: float) -> float:
        settings = build(
            "sampling=ancestral",
            pieces=8,
            max_bars=6,
            repetition_penalty=penalty,
            repetition_window=8,
            temperature=0.2,
        )
        shares = []
        for tokens in composed("pitch", settings):
            notes = tokens[tokens < 128]
            shares.append(np.mean(notes[1:] == notes[:-1]) if len(notes) > 1 else 0)
        return float(np.mean(shares))

    assert repeated(10.0) < repeated(1.0)


def test_what_continues_a_pickup_begins_with_it_and_has_its_barlines(
    short_chorales: list[Piece],
) -> None:
    pickup, common = [(1, 4), (4, 4)]
    piece = next(
        piece
        for piece in short_chorales
        if [tuple(row)[1:] for row in piece.time_signatures.tolist()] == [pickup, common]
    )
    prompt = crop_bars(piece, 2)
    bundle = Bundle(
        config_of(), build("representation=voices"), network_of(), PieceDefaults.of([piece])
    )
    settings = build("sampling=ancestral", pieces=1, max_bars=6, prompt="test", prompt_bars=2)
    sampled = Likelihood().sample(SamplingTask(bundle, settings, 3, lambda: [piece]))
    [sample], made = sampled.samples, sampled.samples[0].piece
    assert sampled.continued == piece.name
    lines = [0, 4, 20, 36]
    assert made.barlines()[:4].tolist() == piece.at_resolution(4).barlines()[:4].tolist() == lines
    given = made.notes[made.notes["onset"] < 36][["onset", "pitch", "track"]]
    assert np.array_equal(given, prompt.at_resolution(4).notes[["onset", "pitch", "track"]])
    assert sample.given is not None
    assert sample.given.until == prompt.at_resolution(4).end == 36


def test_a_bar_of_a_prompt_that_ends_in_silence_is_given_whole() -> None:
    notes = array(NOTE, onset=[0, 4, 32], duration=4, pitch=[60, 62, 64], velocity=80)
    piece = Piece("melody", 4, notes)
    config = config_of("voices", voices=1)
    representation = config.build("representation")
    bundle = Bundle(config, representation, network_of("voices", voices=1), PieceDefaults())
    settings = build("sampling=ancestral", pieces=4, max_bars=3, prompt="test", prompt_bars=2)
    sampled = Likelihood().sample(SamplingTask(bundle, settings, 3, lambda: [piece]))
    for sample in sampled.samples:
        onsets = sample.piece.notes["onset"]
        assert onsets[:2].tolist() == [0, 4]
        assert (onsets[2:] >= 32).all()

"""Of several sequences the most typical is kept, of those that ended; none ends too early."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from defaults import build
from ostinato.errors import UserError
from ostinato.models.sequence import SequenceModel
from ostinato.music.piece import Piece
from ostinato.representations.base import TokenRepresentation
from ostinato.sampling import sequence
from ostinato.sampling.candidates import choose, typicality_cost
from ostinato.sampling.sequence import Composed, compose
from ostinato.sampling.settings import Sampling
from small_networks import network_of

KINDS: dict[str, TokenRepresentation] = {
    "voices": build("representation=voices"),
    "event": build("representation=event"),
}
EVERY = pytest.mark.parametrize("name", KINDS)
# by these biases of the end token, and within these bars, some pieces end and some do not
BIAS = {"voices": 1.0, "event": 5.0}
BARS = {"voices": 3, "event": 24}
NAN = float("nan")


def settings_of(**changed: Any) -> Sampling:
    values = {"pieces": 3, "candidates": 4, "min_bars": 0, "max_bars": 3, **changed}
    made: Sampling = build("sampling=ancestral", **values)
    return made


def network_that_ends(name: str, bias: float) -> SequenceModel:
    """A network that draws the end token more often by a bias of its logit.

    Events end where nothing sounds: the end of a note is more likely by as much, up to 5.
    """
    network = network_of(name)
    with torch.no_grad():
        if name == "event":
            network.head.logits.bias[128:256] += min(bias, 5.0)  # type: ignore[index, operator, union-attr]
        network.head.logits.bias[KINDS[name].end] += bias  # type: ignore[index, operator, union-attr]
    return network


class All:
    """Keeps every candidate, and what `choose` is given: by choose=likely nats per note."""

    nats_per_note: NDArray[np.float64]
    ended: NDArray[np.bool_]

    def __call__(
        self, nats_per_note: NDArray[np.float64], ended: NDArray[np.bool_], pieces: int
    ) -> list[int]:
        del pieces
        self.nats_per_note, self.ended = nats_per_note, ended
        return list(range(len(ended)))


@pytest.fixture
def every(monkeypatch: pytest.MonkeyPatch) -> All:
    """Composing returns all candidates in the test."""
    kept = All()
    monkeypatch.setattr(sequence, "choose", kept)
    return kept


def chosen(nats: list[float], ended: list[bool], pieces: int) -> list[int]:
    ends = np.array(ended)
    return choose(typicality_cost(np.array(nats), ends), ends, pieces)


def test_the_one_nearest_to_the_median_of_all_is_kept() -> None:
    # candidates of piece 0: 1, 4, 9; of piece 1: 2, 5, 30; the median of all is 4.5
    assert chosen([1, 2, 4, 5, 9, 30], [True] * 6, 2) == [2, 3]
    assert chosen([1, 2, 3], [True] * 3, 1) == [1]


def test_one_that_ended_comes_first_and_the_others_are_not_in_the_median() -> None:
    assert chosen([1, 2, 3, 100, 100, 100], [True, True, True, False, False, False], 1) == [1]
    assert chosen([4, 50, 5, 4], [False, True, False, False], 1) == [1]
    assert chosen([1, 2, 6], [False] * 3, 1) == [1]  # where none ended, all are in it


def test_one_without_notes_comes_last() -> None:
    assert chosen([NAN, 7, NAN], [True] * 3, 1) == [1]
    assert chosen([NAN, 7], [True, False], 1) == [0]  # but for one that did not end
    assert chosen([NAN, NAN], [False, True], 1) == [1]
    assert chosen([NAN, NAN], [False, False], 1) == [0]


@given(
    pieces=st.integers(1, 5),
    candidates=st.lists(
        st.tuples(st.floats(0, 50) | st.just(NAN), st.booleans()), min_size=20, max_size=20
    ),
)
def test_each_piece_has_one_of_its_own_that_ended_where_any_did(
    pieces: int, candidates: list[tuple[float, bool]]
) -> None:
    nats, ended = map(list, zip(*candidates[: pieces * 4], strict=True))
    kept = chosen(nats, ended, pieces)
    assert [place % pieces for place in kept] == list(range(pieces))
    for piece, place in enumerate(kept):
        own = range(piece, len(ended), pieces)
        assert ended[place] == any(ended[i] for i in own)
        rivals = [i for i in own if ended[i] == ended[place]]
        assert np.isfinite(nats[place]) == any(np.isfinite(nats[i]) for i in rivals)


def same(one: list[Composed], other: list[Composed]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(np.array_equal(a.steps, b.steps) and a.ended == b.ended for a, b in pairs)


@EVERY
@pytest.mark.usefixtures("every")
def test_pieces_of_one_candidate_are_all_that_is_drawn(name: str) -> None:
    network = network_of(name)
    together = compose(network, KINDS[name], settings_of(pieces=2, candidates=3), seed=1)
    alone = compose(network, KINDS[name], settings_of(pieces=6, candidates=1), seed=1)
    assert len(together) == 6
    assert same(together, alone)


def test_with_one_candidate_nothing_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    one = compose(network_of("event"), KINDS["event"], settings_of(candidates=1), seed=1)
    monkeypatch.setattr(sequence, "choose", All())
    assert same(one, compose(network_of("event"), KINDS["event"], settings_of(candidates=1), 1))


@EVERY
def test_pieces_are_chosen_from_what_is_drawn(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = network_that_ends(name, BIAS[name])
    settings = settings_of(candidates=6, max_bars=BARS[name])
    kept = compose(network, KINDS[name], settings, seed=2)
    every = All()
    monkeypatch.setattr(sequence, "choose", every)
    drawn = compose(network, KINDS[name], settings, seed=2)
    expected = choose(every.nats_per_note, every.ended, 3)
    assert same(kept, [drawn[place] for place in expected])
    assert 0 < every.ended.sum() < 18
    for piece in range(3):
        assert kept[piece].ended == every.ended[piece::3].any()


@EVERY
def test_each_piece_continues_its_own_prompt(name: str, short_chorales: list[Piece]) -> None:
    bars = [p.cropped(0, 4 * p.resolution) for p in short_chorales[:2]]
    prompts = [KINDS[name].encode(piece) for piece in bars]
    assert not np.array_equal(*prompts)
    settings = settings_of(pieces=5, candidates=3)
    pieces = compose(network_of(name), KINDS[name], settings, 1, prompts)
    assert len(pieces) == 5
    for i, piece in enumerate(pieces):
        prompt = prompts[i % 2]
        assert np.array_equal(piece.steps[: len(prompt)], prompt)


def nll_of(network: SequenceModel, kind: TokenRepresentation, piece: Composed) -> Tensor:
    """Return the nats of each token of a piece, and of its end token where it ended."""
    ending = [kind.end] if piece.ended else []
    tokens = np.concatenate(([kind.end], piece.steps, ending)).astype(np.int64)
    positions = torch.from_numpy(kind.positions(tokens)[:-1].astype(np.int64))
    inputs, targets = torch.from_numpy(tokens[:-1]), torch.from_numpy(tokens[1:])
    with torch.no_grad():
        return network.nll(inputs[None], positions[None], targets[None])[0].double()


@EVERY
@pytest.mark.parametrize("prompted", [False, True])
def test_a_candidate_is_rated_by_what_the_network_gives_it_after_its_prompt(
    name: str, prompted: bool, every: All, short_chorales: list[Piece]
) -> None:
    network, kind = network_that_ends(name, BIAS[name]), KINDS[name]
    whole = short_chorales[0]
    prompts = [kind.encode(whole.cropped(0, 4 * whole.resolution))] if prompted else []
    given_tokens = len(prompts[0]) if prompted else 0
    settings = settings_of(pieces=2, candidates=5, max_bars=BARS[name], choose="likely")
    drawn = compose(network, kind, settings, 4, prompts)
    assert any(piece.ended for piece in drawn)
    for piece, rated in zip(drawn, every.nats_per_note, strict=True):
        notes = kind.note_counts()[piece.steps[given_tokens:]].sum()
        expected = nll_of(network, kind, piece)[given_tokens:].sum() / notes if notes else NAN
        assert rated == pytest.approx(float(expected), rel=1e-4, nan_ok=True)


def quarters_of(piece: Composed, kind: TokenRepresentation) -> float:
    """Return the quarter notes that a grammar counts in a piece."""
    grammar = kind.grammar(1)
    for token in piece.steps:
        grammar.advance(np.array([token]))
    return float(grammar.quarters[0])


@EVERY
@pytest.mark.parametrize("prompted", [False, True])
def test_no_piece_ends_before_so_many_bars(
    name: str, prompted: bool, short_chorales: list[Piece]
) -> None:
    kind, whole = KINDS[name], short_chorales[0]
    prompts = [kind.encode(whole.cropped(0, 4 * whole.resolution))] if prompted else []
    network, settings = network_that_ends(name, 50.0), settings_of(min_bars=3, max_bars=50)
    pieces = compose(network, kind, settings, 1, prompts)
    for piece in pieces:
        assert piece.ended
        assert quarters_of(piece, kind) >= 12
        if name == "voices":  # it ends as soon as it may
            assert len(piece.steps) == 3 * 16 * 4
    at_once = compose(network, kind, settings_of(pieces=20, max_bars=50), 1, prompts)
    assert min(len(piece.steps) for piece in at_once) < min(len(piece.steps) for piece in pieces)


@pytest.mark.parametrize("min_bars", [3, 9])
def test_pieces_end_when_they_like_where_they_cannot_be_longer(min_bars: int) -> None:
    network, settings = network_that_ends("voices", 50.0), settings_of(max_bars=2)
    shorter = settings_of(min_bars=min_bars, max_bars=2)
    [one, *_], [other, *_] = (
        compose(network, KINDS["voices"], given, 1) for given in (settings, shorter)
    )
    assert one.ended
    assert one.steps.tolist() == other.steps.tolist()


def test_what_compares_with_training_pieces_is_not_chosen_where_there_are_none() -> None:
    with pytest.raises(UserError, match=r"only `ostinato generate` does: set .*choose=typical"):
        compose(network_of("voices"), KINDS["voices"], settings_of(choose="novel"), 1)


def test_one_candidate_leaves_nothing_to_choose_by_novelty() -> None:
    with pytest.raises(ValueError, match="choose=novel needs a choice"):
        settings_of(choose="novel", candidates=1)

"""How voices move together scores alike in every key, and by what is known alone."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from defaults import build
from ostinato.models.bundle import to_spec
from ostinato.models.voices.voice_leading import VoiceLeading

REST = 128


def leading_of(voices: int, seed: int = 0) -> VoiceLeading:
    """Tables that are drawn by a seed: they begin at 0."""
    leading = VoiceLeading(voices)
    generator = torch.Generator().manual_seed(seed)
    for table in (leading.all_pairs, leading.each_pair):
        torch.nn.init.normal_(table.weight, generator=generator)
    return leading


@torch.no_grad()
def scores_of(leading: VoiceLeading, sounding: list[int], previous: list[int], turn: int) -> Tensor:
    """Scores (128,) of what sounds from voice 0 on, which is turned to whose turn it is."""
    order = [(turn + i) % leading.voices for i in range(leading.voices)]
    turned = (torch.tensor([of[voice] for voice in order]) for of in (sounding, previous))
    scores: Tensor = leading(*turned, torch.tensor(turn))
    return scores


@torch.no_grad()
def slowly(leading: VoiceLeading, sounding: list[int], previous: list[int], turn: int) -> Tensor:
    """The table looked up for one pitch and one voice after the other, from voice 0 on."""

    def direction(before: int, after: int) -> int:
        return 0 if after < before else 1 if after == before else 2

    scores = torch.zeros(128)
    for pitch, other in itertools.product(range(128), range(turn)):
        own, before, after = previous[turn], previous[other], sounding[other]
        if REST in (own, before, after):
            continue
        row = (own - before) % 12 * 3 + direction(before, after)
        column = direction(own, pitch) * 12 + (pitch - after) % 12
        of_pair = (turn * leading.voices + other) * 36 + row
        scores[pitch] += 8 * leading.all_pairs.weight[row, column]
        scores[pitch] += 2 * leading.each_pair.weight[of_pair, column]
    return scores


sounds = st.integers(36, 84) | st.just(REST)
chords = st.integers(2, 5).flatmap(
    lambda voices: st.tuples(
        st.lists(sounds, min_size=voices, max_size=voices),
        st.lists(sounds, min_size=voices, max_size=voices),
        st.integers(0, voices - 1),
    )
)


@given(chords=chords, seed=st.integers(0, 9))
@settings(deadline=None, max_examples=40)
def test_scores_are_those_of_the_table(chords: tuple[list[int], list[int], int], seed: int) -> None:
    sounding, previous, turn = chords
    leading = leading_of(len(sounding), seed)
    torch.testing.assert_close(
        scores_of(leading, sounding, previous, turn), slowly(leading, sounding, previous, turn)
    )


def test_parallel_fifths_score_alike_in_every_key_and_octave() -> None:
    leading = leading_of(2)

    def of_fifths(lower: int, step: int, octaves: int = 0) -> Tensor:
        """The score of a fifth after a fifth, the lower voice drawn first."""
        upper = lower + 7 + 12 * octaves
        scores = scores_of(leading, [lower + step, upper], [lower, upper], turn=1)
        return scores[upper + step]

    expected = of_fifths(48, 2)
    for lower, octaves in itertools.product(range(36, 60), range(3)):
        for step in (1, 2, 5):  # as far as it goes up, it is the same motion
            torch.testing.assert_close(of_fifths(lower, step, octaves), expected)
    assert not torch.isclose(of_fifths(48, -2), expected)
    # a third after a fifth is another motion
    other = scores_of(leading, [50, 55], [48, 55], turn=1)
    assert not torch.isclose(other[54], expected)


def test_what_is_learned_of_parallel_fifths_holds_in_every_key() -> None:
    leading = VoiceLeading(2)
    optimizer = torch.optim.SGD(leading.parameters(), 0.1)
    # C and G go up to D, and the upper voice takes the octave, not the fifth A
    scores = leading(torch.tensor([55, 50]), torch.tensor([55, 48]), torch.tensor(1))
    loss = torch.logsumexp(scores[[57, 62]], dim=0) - scores[62]
    loss.backward()
    optimizer.step()
    elsewhere = scores_of(leading, [54, 59], [52, 59], turn=1)
    assert elsewhere[61] < 0 < elsewhere[66]


@pytest.mark.parametrize("turn", range(4))
def test_voices_that_are_not_drawn_yet_do_not_count(turn: int) -> None:
    leading = leading_of(4)
    sounding, previous = [72, 67, 64, 48], [71, 67, 62, 50]
    scores = scores_of(leading, sounding, previous, turn)
    assert (turn == 0) == (not scores.any())
    for voice in range(4):
        other = [pitch + 1 if v == voice else pitch for v, pitch in enumerate(sounding)]
        same = torch.equal(scores_of(leading, other, previous, turn), scores)
        assert same == (voice >= turn), voice


@pytest.mark.parametrize("silent", ["own before", "other before", "other now"])
def test_a_silent_voice_does_not_count(silent: str) -> None:
    leading, sounding, previous = leading_of(2), [60, 67], [62, 65]
    if silent == "other now":
        sounding[0] = REST
    else:
        previous[silent == "own before"] = REST
    assert not scores_of(leading, sounding, previous, turn=1).any()


def test_one_silent_voice_leaves_the_others() -> None:
    leading = leading_of(3)
    both = scores_of(leading, [72, 64, 60], [71, 65, 60], turn=2)
    one = scores_of(leading, [REST, 64, 60], [71, 65, 60], turn=2)
    other = scores_of(leading, [72, REST, 60], [71, 65, 60], turn=2)
    assert one.any()
    torch.testing.assert_close(one + other, both)


def test_a_held_voice_does_not_move() -> None:
    """Against a voice that stays, pitches score by the row of no motion of it."""
    leading = VoiceLeading(2)
    with torch.no_grad():
        leading.all_pairs.weight[7 * 3 + 1] = 1.0  # a fifth apart, and the other does not move
    assert bool((scores_of(leading, [60, 67], [60, 67], turn=1) == 8.0).all())
    for moved in (59, 61):
        assert not scores_of(leading, [moved, 67], [60, 67], turn=1).any()


def test_it_scores_nothing_before_it_is_trained() -> None:
    assert not scores_of(VoiceLeading(4), [72, 67, 64, 48], [71, 67, 62, 50], 3).any()


@pytest.mark.parametrize(
    ("voices", "history", "wanted", "there"),
    [
        (4, True, True, True),
        (4, True, False, False),
        (4, False, True, False),
        (1, True, True, False),
    ],
)
def test_the_head_scores_it_where_it_is_known_and_wanted(
    voices: int, history: bool, wanted: bool, there: bool
) -> None:
    known = build("representation=voices.history") if history else None
    representation = build("representation=voices", voices=voices, history=known)
    head = build(
        "model=lstm.voices.head",
        voice_leading=wanted,
        input_size=6,
        spec=to_spec(representation),
    )
    assert (head.voice_leading is not None) == there

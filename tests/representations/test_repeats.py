"""A match is what followed the longest run of time steps that occurred before."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from defaults import build
from ostinato.music.piece import Piece
from ostinato.representations.monophonic import HOLD, REST
from ostinato.representations.pitch_class_profile import PitchClassProfile, find_profiles
from ostinato.representations.repeats import RepeatMatcher, find_repeats
from ostinato.representations.voice_history import VoiceHistory

LENGTHS = (1, 2, 4)
ROW = np.zeros(1, np.int64)


def match_slowly(
    tokens: NDArray[np.int64], pitches: NDArray[np.int64]
) -> tuple[list[int], list[int]]:
    """Every earlier place tried, the latest of the longest kept."""
    steps, voices = tokens.shape
    begins = (tokens != HOLD) & (pitches != REST)
    alone, together, lengths = [], [], []
    for voice in [*range(voices), None]:
        of = slice(None) if voice is None else slice(voice, voice + 1)
        best, at = 0, -1
        for place in range(1, steps):
            length = 0
            while length < place and (
                (pitches[place - 1 - length, of] == pitches[steps - 1 - length, of]).all()
                and (begins[place - 1 - length, of] == begins[steps - 1 - length, of]).all()
            ):
                length += 1
            if length and length >= best:
                best, at = length, place
        lengths.append(sum(best >= length for length in LENGTHS))
        said = tokens[at, of].tolist() if best else [REST] * len(tokens[0, of])
        (together if voice is None else alone).extend(said)
    return [*alone, *together], lengths


def music(steps: int, voices: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Random tokens (steps, voices) with many repeats, and what sounds."""
    tokens = np.random.default_rng(seed).choice([60, 62, HOLD, REST], (steps, voices))
    pitches = np.full((steps, voices), REST)
    for step in range(steps):
        held = pitches[step - 1] if step else pitches[step]
        pitches[step] = np.where(tokens[step] == HOLD, held, tokens[step])
    return tokens, pitches


a_piece = given(steps=st.integers(0, 70), voices=st.integers(1, 3), seed=st.integers(0, 99))


@a_piece
@settings(deadline=None, max_examples=40)
def test_the_longest_run_is_found(steps: int, voices: int, seed: int) -> None:
    tokens, pitches = music(steps, voices, seed)
    matcher = RepeatMatcher(1, voices, LENGTHS)
    for step in range(steps):
        matcher.update(tokens[step : step + 1], pitches[step : step + 1], ROW)
    found, lengths = matcher.features()
    slowly = match_slowly(tokens, pitches) if steps else ([REST] * 2 * voices, [0] * (voices + 1))
    assert (found[0].tolist(), lengths[0].tolist()) == slowly


@a_piece
@settings(deadline=None, max_examples=40)
def test_a_whole_piece_is_matched_as_step_by_step(steps: int, voices: int, seed: int) -> None:
    tokens, pitches = music(steps, voices, seed)
    matcher = RepeatMatcher(1, voices, LENGTHS)
    known = [matcher.features()]
    for step in range(steps):
        matcher.update(tokens[step : step + 1], pitches[step : step + 1], ROW)
        known.append(matcher.features())
    found, lengths = find_repeats(tokens, pitches, LENGTHS)
    assert np.array_equal(found, np.concatenate([one for one, _ in known]))
    assert np.array_equal(lengths, np.concatenate([one for _, one in known]))


@a_piece
@settings(deadline=None, max_examples=40)
def test_pitch_classes_of_a_whole_piece_are_those_of_every_step(
    steps: int, voices: int, seed: int
) -> None:
    _, pitches = music(steps, voices, seed)
    profile = PitchClassProfile(1, (1.0, 7.5))
    known = [profile.features()]
    for step in range(steps):
        profile.update(pitches[step : step + 1], ROW)
        known.append(profile.features())
    assert np.array_equal(find_profiles(pitches, (1.0, 7.5)), np.concatenate(known))


def test_sequences_side_by_side_do_not_know_of_each_other() -> None:
    both = RepeatMatcher(2, 1, LENGTHS)
    for pitch in (60, 62, 60):
        both.update(np.array([[pitch], [60]]), np.array([[pitch], [60]]), np.arange(2))
    both.reset(np.array([1]))
    for pitch in (62, 67):
        both.update(np.array([[pitch]]), np.array([[pitch]]), np.array([1]))
    found, lengths = both.features()
    assert found.tolist() == [[62, 62], [REST, REST]]
    assert lengths.tolist() == [[1, 1], [0, 0]]


def test_chorales_say_again_what_they_said(short_chorales: list[Piece]) -> None:
    """Where all voices went the same way for two quarter notes, they mostly go on so."""
    history = VoiceHistory(phrases=0, half_lives=(), repeats=(8,))
    voices = build("representation=voices", history=history, position_bars=1)
    names = list(voices.position_features)
    said, level = names.index("joint_match.0"), names.index("joint_match_length")
    told = right = 0
    for piece in short_chorales:
        tokens = np.concatenate(([voices.end], voices.encode(piece)))
        positions = voices.positions(tokens)[:-1]
        repeated = positions[:, level] == 1
        told += int(repeated.sum())
        right += int((positions[:, said] == tokens[1:])[repeated].sum())
    assert told > 500
    assert right / told > 0.9

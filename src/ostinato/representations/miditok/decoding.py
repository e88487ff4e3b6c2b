"""Base tokens as music: any sequence of them says something."""

from collections import defaultdict, deque
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.music.piece import LOUDNESS, NOTE, TEMPO, TIME_SIGNATURE, Piece, array, changes
from ostinato.representations.instrument import separate_unisons
from ostinato.representations.miditok.vocabulary import DRUM_KEY, Kind, Vocabulary, instrument

Ints = NDArray[np.int64]


class Clock(NamedTuple):
    """After each token (time,): the tick reached, the tick within the bar, the metre in force."""

    tick: Ints
    within: Ints
    metre: Ints


def latest(marked: NDArray[np.bool_]) -> Ints:
    """Where the last marked place at or before each one is; -1 before the first."""
    return np.maximum.accumulate(np.where(marked, np.arange(len(marked)), -1))


def in_force(marked: NDArray[np.bool_], values: Ints, before: int) -> Ints:
    """The last of the marked values at or before each place; `before` ahead of the first."""
    return np.append(values, before)[latest(marked)]


def clock(vocabulary: Vocabulary, tokens: Ints) -> Clock:
    """The musical time after each base token (time,) of one piece.

    The first bar begins at 0 if no note comes before it, every other where the one before it ends,
    by the metre in force there; a time signature begins a bar where no tokens do.
    """
    kinds, values = vocabulary.kinds[tokens], vocabulary.values[tokens]
    common = vocabulary.common_time
    metre = in_force(kinds == Kind.METRE, values, common)
    step = vocabulary.step_ticks[metre]
    if not vocabulary.has(Kind.BAR):
        tick = np.cumsum(np.where(kinds == Kind.SHIFT, values * step, 0))
        since = tick - in_force(kinds == Kind.METRE, tick, 0)
        return Clock(tick, since % vocabulary.bar_ticks[metre], metre)
    is_bar, is_position = kinds == Kind.BAR, kinds == Kind.POSITION
    metre_before = np.append(common, metre[:-1])[: len(metre)]
    opens = is_bar | (kinds == Kind.PITCH) | (kinds == Kind.DRUM)
    opened = np.cumsum(opens) > opens
    starts = np.cumsum(vocabulary.bar_ticks[metre_before] * (is_bar & opened))
    within = in_force(is_bar | is_position, np.where(is_position, values * step, 0), 0)
    return Clock(starts + within, within, metre)


def to_piece(vocabulary: Vocabulary, tokens: Ints, name: str) -> Piece:
    """The piece that base tokens (time,) say: a track for each program, in order of appearance.

    Every pitch begins a note. One without a velocity is as loud as notes whose source has none,
    one without a duration lasts a step, one without an end lasts to the last token; a drum's pitch
    is a drum under any program. A pitch begins anew where it already sounds in its track. Tempos
    and time signatures from the end of the last note on are left out.
    """
    kinds, values = vocabulary.kinds[tokens], vocabulary.values[tokens]
    time = clock(vocabulary, tokens)
    at = np.flatnonzero((kinds == Kind.PITCH) | (kinds == Kind.DRUM))
    step = vocabulary.step_ticks[time.metre[at]]
    after = 1
    velocities = np.full(len(at), LOUDNESS)
    if vocabulary.has(Kind.VELOCITY):
        velocities = _following(kinds, values, at + after, Kind.VELOCITY, LOUDNESS)
        after += 1
    keys = _keys(vocabulary, kinds, values, at)
    if vocabulary.has(Kind.PITCH_OFF):
        durations = _until_off(kinds, values, time.tick, programs_at(kinds, values))[at]
    else:
        durations = step * _following(kinds, values, at + after, Kind.DURATION, 1)
    notes = array(
        NOTE,
        onset=time.tick[at],
        duration=np.maximum(durations, 1),
        pitch=values[at],
        velocity=velocities,
        program=keys % DRUM_KEY,
        drum=keys == DRUM_KEY,
    )
    return _with_changes(vocabulary, kinds, values, time.tick, _tracks(notes, keys), name)


def programs_at(kinds: Ints, values: Ints) -> Ints:
    """The program in force at each token; that of drums counts as 0."""
    named = (kinds == Kind.PROGRAM) | (kinds == Kind.DRUMS)
    return in_force(named, np.where(kinds == Kind.PROGRAM, values, 0), 0)


def _keys(vocabulary: Vocabulary, kinds: Ints, values: Ints, at: Ints) -> Ints:
    """The program of each note, or `DRUM_KEY`; compound words say it after the note."""
    if vocabulary.width > 1 and vocabulary.has(Kind.PROGRAM):
        after = 1 + vocabulary.has(Kind.VELOCITY) + vocabulary.has(Kind.DURATION)
        programs = _following(kinds, values, at + after, Kind.PROGRAM, 0)
    else:
        programs = programs_at(kinds, values)[at]
    return np.where(kinds[at] == Kind.DRUM, DRUM_KEY, programs)


def _following(kinds: Ints, values: Ints, at: Ints, kind: Kind, otherwise: int) -> Ints:
    """The values at these places where they are of a kind, else what they are without."""
    kinds, values = np.append(kinds, -1), np.append(values, otherwise)
    at = np.minimum(at, len(kinds) - 1)
    return np.where(kinds[at] == kind, values[at], otherwise)


def _until_off(kinds: Ints, values: Ints, ticks: Ints, programs: Ints) -> Ints:
    """How long the note that begins at each token lasts: the first to begin is the first to end."""
    sounding: dict[tuple[int, int], deque[int]] = defaultdict(deque)
    ends = np.full(len(kinds), ticks.max(initial=0))
    is_drum = (kinds == Kind.DRUM) | (kinds == Kind.DRUM_OFF)
    keys = np.where(is_drum, DRUM_KEY, programs)
    rows = zip(kinds.tolist(), keys.tolist(), values.tolist(), strict=True)
    for place, (kind, key, pitch) in enumerate(rows):
        if kind in (Kind.PITCH, Kind.DRUM):
            sounding[key, pitch].append(place)
        elif kind in (Kind.PITCH_OFF, Kind.DRUM_OFF) and sounding[key, pitch]:
            ends[sounding[key, pitch].popleft()] = ticks[place]
    durations: Ints = ends - ticks
    return durations


def _tracks(notes: NDArray[Any], keys: Ints) -> list[NDArray[Any]]:
    """The notes of each program as one instrument plays them."""
    found, first = np.unique(keys, return_index=True)
    tracks = []
    for track, key in enumerate(found[np.argsort(first)]):
        own = notes[keys == key]
        own["track"] = track
        tracks.append(separate_unisons(own))
    return tracks


def _with_changes(
    vocabulary: Vocabulary,
    kinds: Ints,
    values: Ints,
    ticks: Ints,
    tracks: list[NDArray[Any]],
    name: str,
) -> Piece:
    tempos, metres = kinds == Kind.TEMPO, kinds == Kind.METRE
    signatures = [vocabulary.metres[value] for value in values[metres]]
    piece = Piece(
        name,
        vocabulary.resolution,
        np.concatenate(tracks) if tracks else np.zeros(0, NOTE),
        tempos=changes(
            zip(ticks[tempos].tolist(), vocabulary.tempos[values[tempos]].tolist(), strict=True),
            TEMPO,
        ),
        time_signatures=changes(
            [(t, *s) for t, s in zip(ticks[metres].tolist(), signatures, strict=True)],
            TIME_SIGNATURE,
        ),
        track_names=tuple(
            "drums" if track["drum"][0] else instrument(int(track["program"][0]))
            for track in tracks
        ),
    )
    return piece.without_changes_from(max(piece.end, 1))

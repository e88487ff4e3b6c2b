"""Decode base tokens as music: any sequence of them is a piece.

MidiTok leaves out a note whose velocity or duration is missing or in another place, and adds a
tempo of 120 where there is none; a piece that is drawn token by token keeps what it begins.
"""

from collections import defaultdict, deque
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.music.piece import LOUDNESS, NOTE, TEMPO, TIME_SIGNATURE, Piece, array, changes
from ostinato.representations.instrument import separate_unisons
from ostinato.representations.miditok.vocabulary import DRUM_KEY, Kind, Vocabulary, instrument

Ints = NDArray[np.int64]


class Timeline(NamedTuple):
    """After each token (time,): the tick reached, the tick within the bar, the metre in force."""

    tick: Ints
    within: Ints
    metre: Ints


def latest(marked: NDArray[np.bool_], values: Ints, before: int) -> Ints:
    """Return the last marked value at or before each place; `before` ahead of the first."""
    last = np.maximum.accumulate(np.where(marked, np.arange(len(marked)), -1))
    return np.append(values, before)[last]


def read_times(vocabulary: Vocabulary, tokens: Ints) -> Timeline:
    """Return the musical time after each base token (time,) of one piece.

    The first bar begins at 0 if no note comes before it, every other where the one before it ends,
    by the metre in force there; a time signature begins a bar where no tokens do.
    """
    kinds, values = vocabulary.kinds[tokens], vocabulary.values[tokens]
    common = vocabulary.common_time
    metre = latest(kinds == Kind.TimeSig, values, common)
    step = vocabulary.step_ticks[metre]
    if not vocabulary.has(Kind.Bar):
        tick = np.cumsum(np.where(kinds == Kind.TimeShift, values * step, 0))
        since = tick - latest(kinds == Kind.TimeSig, tick, 0)
        return Timeline(tick, since % vocabulary.bar_ticks[metre], metre)
    is_bar, is_position = kinds == Kind.Bar, kinds == Kind.Position
    # a bar is as long as the metre before it says: its own comes after it
    metre_before = np.append(common, metre[:-1])[: len(metre)]
    opens = is_bar | (kinds == Kind.Pitch) | (kinds == Kind.PitchDrum)
    opened = np.cumsum(opens) > opens
    starts = np.cumsum(vocabulary.bar_ticks[metre_before] * (is_bar & opened))
    within = latest(is_bar | is_position, np.where(is_position, values * step, 0), 0)
    return Timeline(starts + within, within, metre)


def to_piece(vocabulary: Vocabulary, tokens: Ints, name: str) -> Piece:
    """Return the piece of base tokens (time,): a track for each program, in order of appearance.

    Every pitch begins a note. One without a velocity is as loud as notes whose source has none,
    one without a duration lasts a step, one without an end lasts to the last token; a drum's pitch
    is a drum under any program. A pitch begins anew where it already sounds in its track, and then
    lasts no longer than one note can. Tempos and time signatures from the end of the last note on
    are left out.
    """
    kinds, values = vocabulary.kinds[tokens], vocabulary.values[tokens]
    time = read_times(vocabulary, tokens)
    is_tempo, is_metre = kinds == Kind.Tempo, kinds == Kind.TimeSig
    qpm = vocabulary.tempos[values[is_tempo]].tolist()
    metres = [vocabulary.metres[place] for place in values[is_metre]]
    signatures = [(t, *m) for t, m in zip(time.tick[is_metre].tolist(), metres, strict=True)]
    metre_changes = changes(signatures, TIME_SIGNATURE)
    notes, keys = _read_notes(vocabulary, kinds, values, time)
    found, first = np.unique(keys, return_index=True)
    players = found[np.argsort(first)].tolist()
    tracks = [np.zeros(0, NOTE)]
    for track, key in enumerate(players):
        played = separate_unisons(notes[keys == key])
        played["track"] = track
        tracks.append(played)
    piece = Piece(
        name,
        vocabulary.resolution,
        _limit_durations(vocabulary, np.concatenate(tracks), metre_changes),
        tempos=changes(zip(time.tick[is_tempo].tolist(), qpm, strict=True), TEMPO),
        time_signatures=metre_changes,
        track_names=tuple("drums" if key == DRUM_KEY else instrument(key) for key in players),
    )
    return piece.without_changes_from(max(piece.end, 1))


def _read_notes(
    vocabulary: Vocabulary, kinds: Ints, values: Ints, time: Timeline
) -> tuple[NDArray[Any], Ints]:
    """Return the notes (dtype `NOTE`) and the program of each, or `DRUM_KEY`."""
    at = np.flatnonzero((kinds == Kind.Pitch) | (kinds == Kind.PitchDrum))
    is_named = (kinds == Kind.Program) | (kinds == Kind.Drums)
    program = latest(is_named, np.where(kinds == Kind.Program, values, 0), 0)
    after = at + 1
    velocities = np.full(len(at), LOUDNESS)
    if vocabulary.has(Kind.Velocity):
        velocities = _values_of(Kind.Velocity, kinds, values, after, LOUDNESS)
        after += 1
    if vocabulary.has(Kind.NoteOff):
        durations = _until_off(kinds, values, time.tick, program)[at]
    else:
        steps = _values_of(Kind.Duration, kinds, values, after, 1)
        durations = steps * vocabulary.step_ticks[time.metre[at]]
    keys = program[at]
    if vocabulary.width > 1 and vocabulary.has(Kind.Program):  # in words it follows the duration
        keys = _values_of(Kind.Program, kinds, values, after + 1, 0)
    keys = np.where(kinds[at] == Kind.PitchDrum, DRUM_KEY, keys)
    notes = array(
        NOTE,
        onset=time.tick[at],
        duration=np.maximum(durations, 1),
        pitch=values[at],
        velocity=velocities,
        program=keys % DRUM_KEY,
        drum=keys == DRUM_KEY,
    )
    return notes, keys


def _values_of(kind: int, kinds: Ints, values: Ints, at: Ints, otherwise: int) -> Ints:
    """Return the values at some places where they are of a kind, else what they are without."""
    kinds, values = np.append(kinds, -1), np.append(values, otherwise)
    at = np.minimum(at, len(kinds) - 1)
    return np.where(kinds[at] == kind, values[at], otherwise)


def _until_off(kinds: Ints, values: Ints, ticks: Ints, programs: Ints) -> Ints:
    """Return how long each token's note lasts: the first to begin is the first to end."""
    sounding: dict[tuple[int, int], deque[int]] = defaultdict(deque)
    ends = np.full(len(kinds), ticks.max(initial=0))
    is_drum = (kinds == Kind.PitchDrum) | (kinds == Kind.DrumOff)
    keys = np.where(is_drum, DRUM_KEY, programs)
    rows = zip(kinds.tolist(), keys.tolist(), values.tolist(), strict=True)
    for place, (kind, key, pitch) in enumerate(rows):
        if kind in (Kind.Pitch, Kind.PitchDrum):
            sounding[key, pitch].append(place)
        elif kind in (Kind.NoteOff, Kind.DrumOff) and sounding[key, pitch]:
            ends[sounding[key, pitch].popleft()] = ticks[place]
    durations: Ints = ends - ticks
    return durations


def _limit_durations(
    vocabulary: Vocabulary, notes: NDArray[Any], metres: NDArray[Any]
) -> NDArray[Any]:
    """Return notes that last whole steps of the beat in which they begin, and not too many.

    A note that was joined of several may last until another beat's step, or longer than one token
    can say: encoded again it would be another note.
    """
    if vocabulary.has(Kind.NoteOff):
        return notes
    places = [vocabulary.metres.index((beats, beat)) for _, beats, beat in metres.tolist()]
    before = np.searchsorted(metres["onset"], notes["onset"], side="right")
    step = vocabulary.step_ticks[np.array([vocabulary.common_time, *places])[before]]
    longest = int(vocabulary.values[vocabulary.kinds == Kind.Duration].max())
    notes["duration"] = (notes["duration"] // step).clip(1, longest) * step
    return notes

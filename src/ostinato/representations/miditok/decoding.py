"""Decode base tokens as music: any sequence of them is a piece.

MidiTok leaves out a note whose velocity or duration is missing or in another place, and adds a
tempo of 120 where there is none; a piece that is drawn token by token keeps what it begins.
"""

from collections import defaultdict, deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.music.piece import LOUDNESS, NOTE, TEMPO, TIME_SIGNATURE, Piece, array, changes
from ostinato.representations.byte_pairs import Ints
from ostinato.representations.instrument import separate_unisons
from ostinato.representations.miditok.vocabulary import DRUM_KEY, Kind, Vocabulary, instrument


def read_times(vocabulary: Vocabulary, tokens: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the tick reached after each base token (time,), that in the bar, and the metre.

    The first bar begins at 0 if no note comes before it, every other where the one before it ends,
    by the metre in force there; a time signature begins a bar where no tokens do. Only ticks in the
    bar begin anew with another piece.
    """
    kinds, values = vocabulary.kinds[tokens], vocabulary.values[tokens]
    is_start, is_bar, is_position = (kinds == k for k in (Kind.Start, Kind.Bar, Kind.Position))
    is_metre = is_start | (kinds == Kind.TimeSig)
    common = vocabulary.common_time
    metre = _latest(is_metre, np.where(is_start, common, values), common)
    steps = values * vocabulary.step_ticks[metre]
    if Kind.Bar not in vocabulary:
        tick = np.cumsum(np.where(kinds == Kind.TimeShift, steps, 0))
        return tick, (tick - _latest(is_metre, tick, 0)) % vocabulary.bar_ticks[metre], metre
    # a bar is as long as the metre before it says: its own comes after it
    lengths = vocabulary.bar_ticks[np.append(common, metre)[:-1]]
    opens = is_bar | vocabulary.is_note[tokens]
    begins = np.cumsum(lengths * (is_bar & (np.cumsum(opens) > 1)))
    within = _latest(is_start | is_bar | is_position, np.where(is_position, steps, 0), 0)
    return begins + within, within, metre


def _latest(marked: NDArray[np.bool_], values: Ints, before: int) -> Ints:
    """Return the last marked value at or before each place; `before` ahead of the first."""
    last = np.maximum.accumulate(np.where(marked, np.arange(len(marked)), -1))
    return np.append(values, before)[last]


def to_piece(vocabulary: Vocabulary, tokens: Ints, name: str) -> Piece:
    """Return the piece of base tokens (time,): a track for each program, in order of appearance.

    Every pitch begins a note. One without a velocity is as loud as notes whose source has none,
    one without a duration lasts a step, one without an end lasts to the last token; a drum's pitch
    is a drum under any program. A pitch begins anew where it already sounds in its track, and then
    lasts no longer than one note can. Tempos and time signatures from the end of the last note on
    are left out.
    """
    kinds, values = vocabulary.kinds[tokens], vocabulary.values[tokens]
    ticks, _, metre = read_times(vocabulary, tokens)
    at = np.flatnonzero(kinds == Kind.Tempo)
    tempos = changes([(ticks[i], vocabulary.tempos[values[i]]) for i in at], TEMPO)
    at = np.flatnonzero(kinds == Kind.TimeSig)
    metres = changes([(ticks[i], *vocabulary.metres[values[i]]) for i in at], TIME_SIGNATURE)
    notes = _read_notes(vocabulary, tokens, ticks, vocabulary.step_ticks[metre])
    tracks, names = [np.zeros(0, NOTE)], []
    keys = np.where(notes["drum"], DRUM_KEY, notes["program"])
    for track, key in enumerate(dict.fromkeys(keys.tolist())):
        played = separate_unisons(notes[keys == key])
        played["track"] = track
        tracks.append(played)
        names.append("drums" if key == DRUM_KEY else instrument(key))
    notes = np.concatenate(tracks)
    if Kind.Duration in vocabulary:
        # a note that was joined of several may last until another beat's step, or longer than one
        # token can say: encoded again it would be another note
        before = np.searchsorted(metres["onset"], notes["onset"], side="right")
        beats = np.append(4, metres["denominator"])[before]
        steps = vocabulary.resolution * 4 // beats // vocabulary.steps_per_quarter
        longest = vocabulary.values[vocabulary.kinds == Kind.Duration].max()
        notes["duration"] = (notes["duration"] // steps).clip(1, longest) * steps
    piece = Piece(name, vocabulary.resolution, notes, tempos, metres, track_names=tuple(names))
    return piece.without_changes_from(max(piece.end, 1))


def _read_notes(vocabulary: Vocabulary, tokens: Ints, ticks: Ints, steps: Ints) -> NDArray[Any]:
    """Return the notes (dtype `NOTE`) of base tokens that reach `ticks`, by the ticks of a step."""
    kinds, values = vocabulary.kinds[tokens], vocabulary.values[tokens]
    at, last = np.flatnonzero(vocabulary.is_note[tokens]), len(tokens) - 1

    def read(kind: Kind, after: int, otherwise: int) -> Ints:
        """Return what is so many tokens after each pitch, where it is of a kind."""
        places = np.minimum(at + after, last)
        is_there = (kinds[places] == kind) & (at + after <= last)
        return np.where(is_there, values[places], otherwise)

    after = 1 + (Kind.Velocity in vocabulary)
    programs = _latest(vocabulary.is_program[tokens], values, 0)
    if Kind.NoteOff in vocabulary:
        keys = np.where(vocabulary.is_drum[tokens], DRUM_KEY, programs)
        durations = _until_off(vocabulary, tokens, keys, ticks)[at]
    else:
        durations = read(Kind.Duration, after, 1) * steps[at]
    # in a compound word it follows the duration
    programs = programs[at] if vocabulary.width == 1 else read(Kind.Program, after + 1, 0)
    drum = vocabulary.is_drum[tokens[at]]
    return array(
        NOTE,
        onset=ticks[at],
        duration=np.maximum(durations, 1),
        pitch=values[at],
        velocity=read(Kind.Velocity, 1, LOUDNESS),
        program=np.where(drum, 0, programs),
        drum=drum,
    )


def _until_off(vocabulary: Vocabulary, tokens: Ints, keys: Ints, ticks: Ints) -> Ints:
    """Return how long each token's note lasts: the first to begin is the first to end."""
    sounding: dict[tuple[int, int], deque[int]] = defaultdict(deque)
    ends = np.full(len(tokens), ticks.max(initial=0))
    notes = [*zip(keys.tolist(), vocabulary.values[tokens].tolist(), strict=True)]
    for place in np.flatnonzero(vocabulary.is_note[tokens] | vocabulary.is_off[tokens]).tolist():
        waiting = sounding[notes[place]]
        if vocabulary.is_note[tokens[place]]:
            waiting.append(place)
        elif waiting:
            ends[waiting.popleft()] = ticks[place]
    return ends - ticks

"""Scores as base tokens, the same numbers as MidiTok's own, all notes at once.

MidiTok makes a Python object of every token and sorts them; here they are columns of arrays. The
score must have been through MidiTok's `preprocess_score`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.music.conversion import MICROSECONDS_PER_MINUTE
from ostinato.representations.miditok.vocabulary import Kind, Vocabulary

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Events:
    """What a score says, in ticks of the vocabulary.

    `notes` are the tokens of each note by what they say, each (n,), in order of track, then onset,
    then pitch. A metre is in force from its `metre_onsets` on, the first from 0.
    """

    onsets: Ints
    ends: Ints
    notes: dict[Kind, Ints]
    metre_onsets: Ints
    metres: Ints
    tempo_onsets: Ints
    tempos: Ints

    def metre_at(self, times: Ints) -> Ints:
        """The metre in force at each time."""
        places = np.searchsorted(self.metre_onsets, times, side="right") - 1
        return self.metres[np.maximum(places, 0)]

    @property
    def last(self) -> int:
        """When the last thing begins."""
        onsets = (self.onsets, self.metre_onsets, self.tempo_onsets)
        return int(max(times.max(initial=0) for times in onsets))


def read_events(score: Any, vocabulary: Vocabulary) -> Events:
    """Look up every value of a preprocessed score."""
    factor = vocabulary.resolution // score.ticks_per_quarter
    signatures = [(s.time, (s.numerator, s.denominator)) for s in score.time_signatures]
    metre_onsets = np.array([time for time, _ in signatures], np.int64) * factor
    metres = np.array([vocabulary.metres.index(metre) for _, metre in signatures], np.int64)
    tracks = [_track(track, vocabulary) for track in score.tracks]
    columns = {name: np.concatenate([track[name] for track in tracks]) for name in tracks[0]}
    onsets = columns["time"].astype(np.int64) * factor
    durations = columns["duration"].astype(np.int64) * factor
    tempo_onsets, tempos = _tempos(score, vocabulary, factor)
    events = Events(onsets, onsets + durations, {}, metre_onsets, metres, tempo_onsets, tempos)
    steps = durations // vocabulary.step_ticks[events.metre_at(onsets)]
    notes = events.notes
    if vocabulary.has(Kind.PROGRAM):
        notes[Kind.PROGRAM] = columns["program"]
    notes[Kind.PITCH] = columns["on"]
    if vocabulary.has(Kind.VELOCITY):
        notes[Kind.VELOCITY] = vocabulary.ids[Kind.VELOCITY][columns["velocity"]]
    if vocabulary.has(Kind.DURATION):
        notes[Kind.DURATION] = vocabulary.ids[Kind.DURATION][steps]
    if vocabulary.has(Kind.PITCH_OFF):
        notes[Kind.PITCH_OFF] = columns["off"]
    return events


def _track(track: Any, vocabulary: Vocabulary) -> dict[str, NDArray[Any]]:
    """The notes of one track, of those with one onset and pitch the first."""
    columns: dict[str, NDArray[Any]] = track.notes.numpy()
    keys = ("velocity", "duration", "pitch", "time")
    order = np.lexsort([columns[key] for key in keys])
    columns = {key: columns[key][order] for key in keys}
    time, pitch = columns["time"], columns["pitch"]
    new = np.append(True, (np.diff(time) != 0) | (np.diff(pitch) != 0))
    columns = {key: column[new] for key, column in columns.items()}
    on, off = (Kind.DRUM, Kind.DRUM_OFF) if track.is_drum else (Kind.PITCH, Kind.PITCH_OFF)
    columns["on"] = vocabulary.ids[on][columns["pitch"]]
    if vocabulary.has(off):
        columns["off"] = vocabulary.ids[off][columns["pitch"]]
    if vocabulary.has(Kind.PROGRAM):
        kind, value = (Kind.DRUMS, 0) if track.is_drum else (Kind.PROGRAM, track.program)
        columns["program"] = np.full(len(columns["on"]), vocabulary.ids[kind][value])
    return columns


def _tempos(score: Any, vocabulary: Vocabulary, factor: int) -> tuple[Ints, Ints]:
    if not vocabulary.has(Kind.TEMPO):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    columns = score.tempos.numpy()
    qpm = MICROSECONDS_PER_MINUTE / columns["mspq"]
    nearest = np.abs(qpm[:, None] - vocabulary.tempos).argmin(axis=1)
    return columns["time"].astype(np.int64) * factor, vocabulary.ids[Kind.TEMPO][nearest]


def in_bars(events: Events, vocabulary: Vocabulary) -> Ints:
    """REMI: bars, positions within them, and what happens there."""
    barlines, bars = _bars(events, vocabulary)
    rows = np.full((len(bars), 1), vocabulary.ids[Kind.BAR][0])
    if vocabulary.has(Kind.METRE):
        rows = np.column_stack([rows, vocabulary.ids[Kind.METRE][bars]])
    moments, positions = _positions(events, vocabulary, barlines, bars)
    notes = np.column_stack([*events.notes.values()])
    return _merged(
        (barlines, rows),
        (moments, positions[:, None]),
        (events.tempo_onsets, events.tempos[:, None]),
        (events.onsets, notes),
    )[1]


def in_words(events: Events, vocabulary: Vocabulary) -> Ints:
    """Compound words, flattened: of a bar, of a position, of a note; unused parts ignored."""
    barlines, bars = _bars(events, vocabulary)
    moments, positions = _positions(events, vocabulary, barlines, bars)
    metric, note = vocabulary.ids[Kind.FAMILY_METRIC], vocabulary.ids[Kind.FAMILY_NOTE]

    def words(count: int, family: Any, *parts: Ints) -> Ints:
        rows = np.tile(vocabulary.ignored(), (count, 1))
        rows[:, 0] = family[0]
        for part in parts:
            rows[:, vocabulary.features[part[0]]] = part
        return rows

    bar_parts = [np.full(len(bars), vocabulary.ids[Kind.BAR][0])]
    if vocabulary.has(Kind.METRE):
        bar_parts.append(vocabulary.ids[Kind.METRE][bars])
    position_parts = [positions]
    if len(events.tempos):
        now = np.searchsorted(events.tempo_onsets, moments, side="right") - 1
        position_parts.append(events.tempos[np.maximum(now, 0)])
    return _merged(
        (barlines, words(len(bars), metric, *bar_parts)),
        (moments, words(len(moments), metric, *position_parts)),
        (events.onsets, words(len(events.onsets), note, *events.notes.values())),
    )[1]


def in_shifts(events: Events, vocabulary: Vocabulary) -> Ints:
    """TSD and MIDI-like: what happens, and by how much time moves on between."""
    notes = np.column_stack([*events.notes.values()])
    times = np.repeat(events.onsets[:, None], notes.shape[1], axis=1)
    if Kind.PITCH_OFF in events.notes:
        times[:, -1] = events.ends
        if Kind.PROGRAM in events.notes:
            off = [events.notes[Kind.PROGRAM], events.notes[Kind.PITCH_OFF]]
            notes = np.column_stack([notes[:, :-1], *off])
            times = np.column_stack([times[:, :-1], events.ends, events.ends])
    metres = vocabulary.ids.get(Kind.METRE)
    named = slice(None) if metres is not None else slice(0)
    metre_tokens = events.metres if metres is None else metres[events.metres]
    times, tokens = _merged(
        (events.metre_onsets[named], metre_tokens[named, None]),
        (events.tempo_onsets, events.tempos[:, None]),
        (times.ravel(), notes.reshape(-1, 1)),
    )
    shift = vocabulary.ids[Kind.SHIFT]
    before = np.append(0, times[:-1])
    metre_before = events.metre_at(before)
    if times[0] > 0:
        metre_before[0] = vocabulary.common_time
    steps = (times - before) // vocabulary.step_ticks[metre_before]
    longest, rest = np.divmod(steps, len(shift) - 1)
    places = np.cumsum(longest + (rest > 0) + 1) - 1
    out = np.full(places[-1] + 1, shift[-1])
    out[places] = tokens
    out[places[rest > 0] - 1] = shift[rest[rest > 0]]
    return out


def rotate_to_turn(events: Events, vocabulary: Vocabulary) -> Ints:
    """Structured: before each note the time since the one before it, none if it is too long."""
    shift = vocabulary.ids[Kind.SHIFT]
    order = np.argsort(events.onsets, kind="stable")
    gaps = np.diff(events.onsets[order], prepend=0)
    steps = gaps // vocabulary.step_ticks[vocabulary.common_time]
    shifts = shift[np.minimum(steps, len(shift) - 1)]
    notes = [column[order] for column in events.notes.values()]
    return np.column_stack([shifts, *notes]).ravel()


def _bars(events: Events, vocabulary: Vocabulary) -> tuple[Ints, Ints]:
    """When each bar begins, up to the last event, and its metre."""
    ends = np.append(events.metre_onsets[1:], events.last + 1)
    lines = [
        np.arange(start, end, vocabulary.bar_ticks[metre])
        for start, end, metre in zip(events.metre_onsets, ends, events.metres, strict=True)
    ]
    return np.concatenate(lines), np.repeat(events.metres, [len(line) for line in lines])


def _positions(
    events: Events, vocabulary: Vocabulary, barlines: Ints, bars: Ints
) -> tuple[Ints, Ints]:
    """The moments at which something happens, and where in their bars they are."""
    moments = np.unique(np.concatenate([events.tempo_onsets, events.onsets]))
    bar = np.searchsorted(barlines, moments, side="right") - 1
    steps = (moments - barlines[bar]) // vocabulary.step_ticks[bars[bar]]
    return moments, vocabulary.ids[Kind.POSITION][steps]


def _merged(*parts: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    """Rows of tokens, each at its time, in order of time, then of the parts, then as they are."""
    times = np.concatenate([np.repeat(times, rows.shape[1]) for times, rows in parts])
    tokens = np.concatenate([rows.ravel() for _, rows in parts])
    order = np.argsort(times, kind="stable")
    return times[order], tokens[order]

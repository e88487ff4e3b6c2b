"""Notes and changes as they are written -> as they are played, repeats and ties included."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import UnreadableError
from ostinato.music import arrays, limits
from ostinato.music.conversion import clean
from ostinato.music.musicxml.part import START, STOP, Part, Row
from ostinato.music.musicxml.repeats import Passage
from ostinato.music.piece import NOTE, array

LOUDNESS = 64  # velocity of notes before any dynamics
Columns = dict[str, NDArray[np.int64]]


class Performance:
    """Passages of a score one after the other, on a time line of their own."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.starts, self.stops, self.numbers = np.array(passages, np.int64).reshape(-1, 3).T
        ends = np.cumsum(self.stops - self.starts)
        self.begins = ends - (self.stops - self.starts)
        self.length = int(ends[-1]) if len(ends) else 0

    def places(
        self, written: NDArray[np.int64], most: int, what: str
    ) -> tuple[NDArray[np.int64], ...]:
        """Return indices into sorted ticks, the ticks at which each is played, and its passage.

        Raises `UnreadableError` for more than `most`.
        """
        first = np.searchsorted(written, self.starts)
        counts = np.searchsorted(written, self.stops) - first
        total = int(counts.sum())
        if total > most:
            raise UnreadableError(f"its repeats come to {total} {what}: up to {most} are read")
        passage = np.repeat(np.arange(len(counts)), counts)
        index = np.arange(total) - np.repeat(np.cumsum(counts) - counts - first, counts)
        return index, written[index] - (self.starts - self.begins)[passage], passage

    def changes(self, changes: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return changes (tick, ...) as played: each passage begins with what holds there."""
        ordered = sorted(changes, key=lambda row: row[0])
        written = np.array([row[0] for row in ordered], np.int64)
        index, ticks, _ = self.places(written, limits.MOST_CHANGES, "changes")
        found = [(tick, *ordered[i][1:]) for i, tick in zip(index, ticks.tolist(), strict=True)]
        before = np.searchsorted(written, self.starts, side="right") - 1
        entered = [
            (begin, *ordered[i][1:])
            for i, begin in zip(before.tolist(), self.begins.tolist(), strict=True)
            if i >= 0
        ]
        return entered + found

    def barlines(self, written: list[int]) -> list[int]:
        """Return the ticks at which bars begin as they are played."""
        _, ticks, _ = self.places(np.array(written, np.int64), 2 * limits.LONGEST, "bars")
        return sorted({*ticks.tolist(), *self.begins.tolist()})


def tracks_of(
    parts: list[Part], starts: list[int], played: Performance
) -> tuple[tuple[str, ...], NDArray[Any]]:
    """Return names of tracks and notes (dtype `NOTE`): a track for each instrument of each part."""
    names: list[str] = []
    found: list[NDArray[Any]] = []
    count = 0
    for part in parts:
        if not part.rows:
            continue
        columns = _join_ties(_play_rows(part, starts, played))
        arrays.check_range("pitch", columns["pitch"])
        count += len(columns["onset"])
        limits.check_counts(count, len(names))
        sounds = columns["program"] * 2 + columns["drum"]
        kinds, first = np.unique(sounds, return_index=True)
        for kind in kinds[np.argsort(first)].tolist():
            mine = {name: values[sounds == kind] for name, values in columns.items()}
            found.append(array(NOTE, **mine, track=len(names)))
            own = part.names.get((kind // 2, bool(kind % 2)), "") if len(kinds) > 1 else ""
            names.append(clean(own or part.name))
        limits.check_counts(count, len(names))
    return tuple(names), np.concatenate(found) if found else np.zeros(0, NOTE)


def _play_rows(part: Part, starts: list[int], played: Performance) -> Columns:
    """Return the rows of a part in the order in which they sound, with absolute onsets."""
    table = np.array(part.rows, np.int64)
    columns = dict(zip(Row._fields, table.T, strict=True))
    bars = np.array(starts, np.int64)
    columns["onset"] = columns["onset"] + bars[columns.pop("bar")]
    columns["velocity"] = _velocities(part, columns, bars)
    order = np.argsort(columns["onset"], kind="stable")
    index, onsets, passage = played.places(columns["onset"][order], limits.MOST_NOTES, "notes")
    columns = {name: values[order[index]] for name, values in columns.items()}
    columns["onset"] = onsets
    only = columns.pop("passes")
    if only.any():
        numbers = played.numbers[passage].tolist()
        sounds = [
            not (passes := part.passes[which]) or number in passes
            for which, number in zip(only.tolist(), numbers, strict=True)
        ]
        columns = {name: values[np.array(sounds)] for name, values in columns.items()}
    return columns


def _velocities(part: Part, columns: Columns, bars: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the velocity of each note: its own, or else that of the latest dynamics before it."""
    if not part.dynamics:
        return np.where(columns["velocity"] == 0, LOUDNESS, columns["velocity"])
    changes = np.array([(bars[c.bar] + c.onset, *c.value) for c in part.dynamics], np.int64)
    changes = changes[np.argsort(changes[:, 0], kind="stable")]
    before = np.searchsorted(changes[:, 0], columns["onset"], side="right")
    loud = np.append(LOUDNESS, changes[:, 1])[before]
    return np.where(columns["velocity"] == 0, loud, columns["velocity"])


def _join_ties(columns: Columns) -> Columns:
    """Return the notes with those that are tied as one.

    A tie leads to a note of the same pitch that begins where the first ends: one of the same voice,
    or else one of another voice that says that a tie stops there.
    """
    ties = columns.pop("tie")
    if not ties.any():
        columns.pop("voice")
        return columns
    voices, pitches = columns.pop("voice").tolist(), columns["pitch"].tolist()
    onsets, durations = columns["onset"].tolist(), columns["duration"].tolist()
    kept = np.ones(len(ties), bool)
    waiting = _Waiting()
    for index, tie in enumerate(ties.tolist()):
        place = (pitches[index], onsets[index])
        first = waiting.take(voices[index], place, any_voice=bool(tie & STOP))
        if first is None:
            first = index
        else:
            durations[first] += durations[index]
            kept[index] = False
        if tie & START:
            end = onsets[index] + durations[index]
            waiting.put(first, voices[index], (pitches[index], end))
    columns["duration"] = np.array(durations, np.int64)
    return {name: values[kept] for name, values in columns.items()}


class _Waiting:
    """Notes whose tie leads on, by pitch and end: each is found once."""

    def __init__(self) -> None:
        self.by_place: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self.by_voice: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
        self.taken: set[tuple[int, int]] = set()

    def put(self, note: int, voice: int, place: tuple[int, int]) -> None:
        entry = (note, place[1])
        self.by_place.setdefault(place, []).append(entry)
        self.by_voice.setdefault((voice, *place), []).append(entry)

    def take(self, voice: int, place: tuple[int, int], any_voice: bool) -> int | None:
        """Return the first note of a tie that leads to this place, if there is one."""
        found = self._pop(self.by_voice.get((voice, *place)))
        return self._pop(self.by_place.get(place)) if found is None and any_voice else found

    def _pop(self, entries: list[tuple[int, int]] | None) -> int | None:
        while entries:
            entry = entries.pop()
            if entry not in self.taken:
                self.taken.add(entry)
                return entry[0]
        return None

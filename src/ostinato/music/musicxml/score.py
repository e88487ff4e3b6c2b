"""A MusicXML score -> `Piece`: its parts are read bar by bar, put together and played."""

from itertools import accumulate, zip_longest
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from ostinato.errors import UnreadableError
from ostinato.music import arrays, compressed_musicxml, limits, xml_parser
from ostinato.music.barlines import signatures_at_barlines
from ostinato.music.musicxml import marks
from ostinato.music.musicxml.instruments import Instruments, instruments_of
from ostinato.music.musicxml.notes import Performance, tracks_of
from ostinato.music.musicxml.numbers import resolution_of
from ostinato.music.musicxml.part import Change, Part
from ostinato.music.musicxml.playing import play
from ostinato.music.musicxml.reader import PartReader
from ostinato.music.musicxml.repeats import signs_of
from ostinato.music.piece import DEFAULT_QPM, Piece

COMPRESSED = ".mxl"
FINEST = 2**15 - 1  # ticks per quarter note in a MIDI file
COARSER = (10_080, 2_520)  # multiples of 2 to 10, the second also for the longest piece
MOST_PARTS = 10_000
COMMON_METRE = (4, 4)  # of a score without a metre


def read_musicxml(path: Path, name: str) -> Piece:
    """Read a score as a piece, its parts as tracks, as it is played and as it sounds.

    Grace and cue notes are left out. A part that changes its instrument is a track for each. Raises
    `UnreadableError`, with the reason, for a file that is not readable MusicXML.
    """
    with limits.cpu_seconds():
        if path.suffix.lower() == COMPRESSED:
            data = compressed_musicxml.read_score(path)
        else:
            data = limits.read_bytes(path, limits.LARGEST_XML)
        piece = _piece(xml_parser.parse(data), name)
        if piece.resolution > FINEST or piece.end > limits.LAST_TICK:
            fits = COARSER[0] * piece.quarters <= limits.LAST_TICK
            piece = piece.at_resolution(COARSER[0] if fits else COARSER[1])
        limits.check(piece)
        return piece


def _piece(score: Element, name: str) -> Piece:
    resolution = resolution_of(score)
    parts = _parts(score, resolution)
    starts = _bar_starts(parts, resolution)
    end = starts[-1]
    limits.check_quarters(end / resolution)
    signs = signs_of(_marks(parts, starts), starts)
    played = Performance(play(signs, end, limits.LONGEST * resolution))
    limits.check_quarters(played.length / resolution)
    names, notes = tracks_of(parts, starts, played)
    if not len(notes):
        raise UnreadableError("it has no notes")
    last = int((notes["onset"] + notes["duration"]).max())
    metres = arrays.time_signatures(played.changes(_metres(parts, starts)), resolution)
    return Piece(
        name=name,
        resolution=resolution,
        notes=notes,
        tempos=arrays.tempos(played.changes(_tempos(parts, starts)), resolution),
        time_signatures=signatures_at_barlines(
            played.barlines(starts[:-1]), metres, resolution, last
        ),
        key_signatures=arrays.key_signatures(played.changes(_keys(parts, starts)), resolution),
        track_names=names,
    )


def _parts(score: Element, resolution: int) -> list[Part]:
    measures = _measures_of_parts(score)
    if not measures:
        raise UnreadableError("it has no parts with bars")
    if len(measures) > MOST_PARTS:
        raise UnreadableError(f"it has {len(measures)} parts: up to {MOST_PARTS} are read")
    instruments = instruments_of(score)
    divisions = next((element.text for element in score.iter("divisions")), None)
    parts: list[Part] = []
    count = 0
    for number, (name, bars) in enumerate(measures, 1):
        its = instruments.get(name, Instruments())
        reader = PartReader(resolution, divisions, its, number)
        for bar in bars:
            reader.read(bar)
        parts.append(reader.part)
        count += len(reader.part.rows)
        limits.check_counts(count)
    return parts


def _measures_of_parts(score: Element) -> list[tuple[str, list[Element]]]:
    """Return the id and the bars of each part, of either kind of score."""
    if score.tag == "score-partwise":
        return [(part.get("id", ""), part.findall("measure")) for part in score.findall("part")]
    if score.tag != "score-timewise":
        raise UnreadableError(f"it is not a score in MusicXML, but has {score.tag[:40]!r} inside")
    bars = score.findall("measure")
    found: dict[str, list[Element]] = {}
    for index, bar in enumerate(bars):
        for part in bar.findall("part"):
            name = part.get("id", "")
            its = found.setdefault(name, [Element("measure") for _ in bars])
            part.attrib.update(bar.attrib)
            its[index] = part
    return list(found.items())


def _bar_starts(parts: list[Part], resolution: int) -> list[int]:
    """Return the ticks at which bars begin, and the end of the last.

    A bar ends where the part with notes that is longest in it does. Without notes it lasts as its
    rests say, though no longer than its metre, and as the metre says if there are none either.
    """
    lengths = _longest([part.lengths for part in parts])
    rests = _longest([part.rests for part in parts])
    metres = next((iter(part.metres) for part in parts if part.metres), iter(()))
    following = next(metres, None)
    numerator, denominator = COMMON_METRE
    for bar, length in enumerate(lengths):
        while following is not None and following.bar <= bar:
            numerator, denominator = following.value
            following = next(metres, None)
        full = 4 * resolution * numerator // denominator
        implicit = any(bar in part.implicit for part in parts)
        if not implicit:
            lengths[bar] = max(length, min(rests[bar], full)) or full
        elif not length:
            lengths[bar] = min(rests[bar], full)
    return list(accumulate(lengths, initial=0))


def _longest(lengths: list[list[int]]) -> list[int]:
    return [max(its) for its in zip_longest(*lengths, fillvalue=0)]


def _at(change: Change, starts: list[int]) -> tuple[Any, ...]:
    return (starts[change.bar] + change.onset, *change.value)


def _marks(parts: list[Part], starts: list[int]) -> list[tuple[int, str, str]]:
    """Return all signs as (tick, kind, value); one at the end of a bar is where the next begins."""
    found = []
    for part in parts:
        for mark in part.signs:
            start, end = starts[mark.bar], starts[mark.bar + 1]
            at = end if mark.onset == marks.END else min(start + mark.onset, end)
            found.append((at, mark.kind, mark.value))
    return found


def _metres(parts: list[Part], starts: list[int]) -> list[tuple[Any, ...]]:
    """Return the metres of the first part that has any, from the beginning on."""
    part = next((part for part in parts if part.metres), Part())
    found = [_at(change, starts) for change in part.metres]
    return found if found and found[0][0] == 0 else [(0, *COMMON_METRE), *found]


def _keys(parts: list[Part], starts: list[int]) -> list[tuple[Any, ...]]:
    """Return the keys of the first part with pitches that sounds as written, or else of another."""
    keyed = sorted((part for part in parts if part.keys), key=_shows_no_key)
    return [_at(change, starts) for change in keyed[0].keys] if keyed else []


def _shows_no_key(part: Part) -> tuple[bool, bool]:
    """Return whether a part has no pitches, and whether it transposes: such show no key."""
    return not any(not drum for _, drum in part.names), part.transposed


def _tempos(parts: list[Part], starts: list[int]) -> list[tuple[int, float]]:
    """Return the tempos of all parts; of several at once the first part's."""
    changes: dict[int, tuple[float, bool]] = {}
    for part in parts:
        own = {starts[change.bar] + change.onset: change.value for change in part.tempos}
        changes = {**own, **changes}
    found: list[tuple[int, float]] = []
    qpm = DEFAULT_QPM
    for tick, (number, ratio) in sorted(changes.items()):
        qpm = qpm * number if ratio else number
        found.append((tick, qpm))
    return found

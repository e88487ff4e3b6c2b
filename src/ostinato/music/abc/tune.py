"""One ABC tune as a piece."""

import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import UnreadableError
from ostinato.music import arrays, conversion, limits, remarks
from ostinato.music.abc.converter import Converted, Track, convert
from ostinato.music.abc.files import without_free_text
from ostinato.music.abc.repeats import MOST_PLAYED, unroll
from ostinato.music.abc.scanning import scan
from ostinato.music.abc.tokens import Kind, Token, Tune
from ostinato.music.barlines import signatures_at_barlines
from ostinato.music.piece import LOUDNESS, Piece

RESOLUTION = 480  # ticks per quarter note of abc2midi
LATE = 1  # ticks by which abc2midi begins each note late
LONGEST_TUNE = 200_000  # characters
MOST_VOICES = 15  # abc2midi gives each a channel that is no drums'
FREE = "[M:none]"
JUMP = re.compile(
    r'"[^"\n]{0,40}(?<![A-Za-z])(?:D\. ?[CS]\.|[Dd]a ?[Cc]apo|[Dd]al ?[Ss]egno)'
    r"|[!+](?:D\.[CS]|dacapo|dacoda)"
)


def read_tune(text: str, name: str) -> Piece:
    """Return one tune as a piece, its voices as tracks, at 480 ticks per quarter note.

    Repeats, endings and parts are played. Grace notes, ornaments, dynamics and chord symbols are
    left out, and so are lyrics; D.C. and D.S. are not followed. Without a Q: field there is no
    tempo. Raises `UnreadableError`, with the reason.
    """
    if len(text) > LONGEST_TUNE:
        raise UnreadableError(f"a tune of {len(text)} characters: up to {LONGEST_TUNE} are read")
    try:
        tune = scan(without_free_text(text))
        if JUMP.search(text):
            remarks.add("it has a D.C. or D.S., which is not followed")
        piece = _piece(convert(_plain(tune), name), tune)
        limits.check(piece)
    except UnreadableError as error:  # which may quote the tune
        raise UnreadableError(limits.one_line(error)) from None
    return piece


def _plain(tune: Tune) -> str:
    """Return the tune as abc2midi reads it rightly: one voice after the other, repeats unrolled."""
    voices = list(tune.voices_with_music())
    if not voices:
        raise UnreadableError("it has no notes")
    if len(voices) > MOST_VOICES:
        raise UnreadableError(f"it has {len(voices)} voices: up to {MOST_VOICES} are read")
    start = tune.start
    header = ["X:1", *(_as_line(start[name]) for name in "MLQ" if name in start)]
    lines = [*header, "%%MIDI chordattack 0", _as_line(start["K"])]
    count = 0
    always = [token.text for name, token in start.items() if name not in "MLQK"]
    for number, voice in enumerate(voices, 1):
        if len(voices) > 1:
            lines.append(f"V:{number}")
        lines += always
        played = unroll(voice.tokens, tune.order, start)
        count += len(played)
        if count > MOST_PLAYED:
            raise UnreadableError(f"its voices have more than {MOST_PLAYED} notes and signs")
        lines += _lines(played)
    return "\n".join(lines) + "\n"


def _as_line(field: Token) -> str:
    return field.text[1:-1]


def _lines(tokens: list[Token]) -> list[str]:
    """Return a bar a line; directives on lines of their own."""
    lines, line = [], ""
    for token in tokens:
        if token.text.startswith("%%"):
            lines += [line, token.text]
            line = ""
        else:
            line += f"{token.text} "
            if token.kind is Kind.BAR:
                lines.append(line)
                line = ""
    return [line for line in [*lines, line] if line]


def _piece(converted: Converted, tune: Tune) -> Piece:
    piece = converted.piece
    if not converted.tracks:
        raise UnreadableError("abc2midi does not say what it plays")
    notes = piece.notes.copy()
    notes["onset"] -= LATE
    notes["duration"] += LATE
    notes["velocity"] = LOUDNESS
    tracks = converted.tracks
    first, longest = tracks[0], max(tracks, key=lambda track: len(track.barlines))
    end = int((notes["onset"] + notes["duration"]).max())
    keys = [(_ticks(at), sharps, minor) for at, sharps, minor in first.keys]
    tempos = [(_ticks(at), _per_minute(beat)) for t in tracks for at, beat in t.tempos if beat > 0]
    if not converted.has_tempo:
        remarks.add("a tempo in words is not readable and left out")
    elif tune.has_tempo:
        tempos = [(0, round(float(qpm), 2)) for qpm in piece.tempos["qpm"][:1]] + tempos
    keys = [*piece.key_signatures[:1].tolist(), *keys]
    return replace(
        piece,
        notes=notes,
        tempos=arrays.tempos(tempos, RESOLUTION),
        key_signatures=arrays.key_signatures(keys, RESOLUTION),
        time_signatures=_metres(tune, first, longest.barlines, end),
        track_names=_names(tune, piece),
    ).without_changes_from(end)


def _metres(tune: Tune, first: Track, barlines: list[Fraction], end: int) -> NDArray[Any]:
    changes = [(_ticks(at), over, under) for at, over, under in first.metres]
    if (header := tune.start["M"].text) != FREE:
        over, under = header[3:-1].split("/")
        changes = [(0, int(over), int(under)), *changes]
    metres = arrays.time_signatures(changes, RESOLUTION)
    if not len(metres):
        return metres
    lines = sorted({0, *(_ticks(at) for at in barlines)})
    lines = _with_bars_unwritten(_of_whole_bars(lines, metres), metres, end)
    return signatures_at_barlines(lines, metres, RESOLUTION, end)


def _with_bars_unwritten(lines: list[int], metres: NDArray[Any], end: int) -> list[int]:
    """Return the barlines and those that are missing where several bars are written as one."""
    full = _full_bars(lines, metres)
    found: list[int] = []
    for start, stop, bar in zip(lines, [*lines[1:], end], full, strict=True):
        is_open = start == lines[-1]
        several = stop - start > bar and (is_open or (stop - start) % bar == 0)
        found += range(start, stop, bar) if several else [start]
    return found


def _full_bars(lines: list[int], metres: NDArray[Any]) -> list[int]:
    """Return the length in ticks of a bar of the metre in force at each barline."""
    in_force = np.maximum(np.searchsorted(metres["onset"], lines, side="right") - 1, 0)
    full = 4 * RESOLUTION * metres["numerator"] // metres["denominator"]
    return [int(bar) for bar in full[in_force]]


def _of_whole_bars(lines: list[int], metres: NDArray[Any]) -> list[int]:
    """Return the barlines but those that divide a bar, as repeats in a pickup do."""
    full = _full_bars(lines, metres)
    changed = set(metres["onset"].tolist())
    kept = lines[:2]
    for index in range(2, len(lines)):
        bar = full[index]
        following = lines[index + 1] if index + 1 < len(lines) else lines[index]
        divided = lines[index] - kept[-1] < bar and following - kept[-1] == bar
        if not divided or lines[index] in changed:
            kept.append(lines[index])
    return kept


def _names(tune: Tune, piece: Piece) -> tuple[str, ...]:
    """Return the voices' names, where abc2midi has made one track of each."""
    names = tuple(voice.attributes.name or "" for voice in tune.voices_with_music())
    return names if len(names) == len(piece.track_names) else ("",) * len(piece.track_names)


def _per_minute(microseconds: int) -> float:
    """Return quarter notes per minute, as they were before abc2midi rounded to microseconds."""
    return round(conversion.MICROSECONDS_PER_MINUTE / microseconds, 2)


def _ticks(quarters: Fraction) -> int:
    return round(quarters * RESOLUTION)

"""One piece of music."""

from collections.abc import Iterator

import numpy as np

from ostinato.inspection.statistics import count_programs
from ostinato.inspection.tables import View, facts, table
from ostinato.music.naming import clock, key_name, metre_name, program_name
from ostinato.music.picture import piano_roll, track_label
from ostinato.music.piece import DEFAULT_QPM, Piece
from ostinato.representations.base import pitch_name
from ostinato.wording import quantity

MOST = 24  # changes in the table


def inspect_piece(piece: Piece) -> View:
    """Return tracks and changes of a piece, and its piano-roll."""
    changes = sorted(_changes(piece), key=lambda change: change[0])
    rows = [_placed(piece, *change) for change in changes[:MOST]]
    if len(changes) > MOST:
        rows.append(("…", "", quantity(len(changes) - MOST, "more change")))
    tracks = [_track(piece, i) for i in range(len(piece.track_names))]
    columns = ("track", "instrument", "#notes", "lowest", "highest")
    return View(
        [
            facts(piece.name, _facts(piece)),
            table("Tracks", columns, tracks),
            table("Tempo, metre and key", ("#bar", "#quarter", ""), rows),
        ],
        lambda: piano_roll(piece),
    )


def _facts(piece: Piece) -> Iterator[tuple[str, str]]:
    yield "length", f"{quantity(len(piece.barlines()), 'bar')}, {piece.quarters:,.6g} quarter notes"
    yield "", clock(piece.seconds)
    drums = int(piece.notes["drum"].sum())
    yield "notes", f"{len(piece.notes):,}" + (f", {drums:,} of them of drums" if drums else "")
    if piece.seconds:
        yield "mean tempo", f"{60 * piece.quarters / piece.seconds:.4g} quarter notes per minute"
    yield "resolution", f"{piece.resolution} (ticks per quarter note)"


def _track(piece: Piece, index: int) -> tuple[str, ...]:
    notes = piece.track(index)
    pitches = notes["pitch"][~notes["drum"]]
    low, high = (pitch_name(int(f(pitches))) for f in (np.min, np.max)) if len(pitches) else "--"
    programs = ", ".join(program_name(*key) for key, _ in count_programs(notes).most_common())
    return track_label(piece, index), programs, f"{len(notes):,}", low, high


def _changes(piece: Piece) -> Iterator[tuple[int, str]]:
    """Onset in ticks and what changes there."""
    if not len(piece.tempos):
        yield 0, f"tempo {DEFAULT_QPM:g} (none is given)"
    for onset, qpm in piece.tempos.tolist():
        yield onset, f"tempo {qpm:.4g}"
    for onset, numerator, denominator in piece.time_signatures.tolist():
        yield onset, f"metre {metre_name(numerator, denominator)}"
    for onset, fifths, minor in piece.key_signatures.tolist():
        yield onset, key_name(fifths, minor)


def _placed(piece: Piece, onset: int, what: str) -> tuple[str, str, str]:
    """Bar and quarter note, both counted from 1."""
    lines = piece.barlines()
    bar = max(0, int(np.searchsorted(lines, onset, side="right")) - 1)
    return f"{bar + 1}", f"{(onset - int(lines[bar])) / piece.resolution + 1:.4g}", what

"""Piano-rolls as the pages draw them: SVG paths with time in seconds to the right."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.music.picture import (
    MOST_BARLINES,
    bar_labels,
    colour,
    pitch_marks,
    pitch_name,
    rows,
    slices,
)
from ostinato.music.piece import DEFAULT_QPM, TEMPO, Piece, array

WIDTH = 10_000  # units of a roll's drawing; a row is ROW units high
ROW = 10
BLACK_KEYS = (1, 3, 6, 8, 10)
Across = Callable[[NDArray[Any]], NDArray[np.int64]]


def seconds_at(piece: Piece, ticks: NDArray[Any]) -> NDArray[np.float64]:
    """Return the time in seconds of each tick, by the tempo changes: same shape."""
    tempos = piece.tempos
    if not len(tempos) or tempos["onset"][0] > 0:
        tempos = np.concatenate([array(TEMPO, onset=0, qpm=DEFAULT_QPM), tempos])
    onsets = np.maximum(tempos["onset"], 0)
    per_tick = 60 / tempos["qpm"] / piece.resolution
    begins = np.concatenate([[0.0], np.cumsum(np.diff(onsets) * per_tick[:-1])])
    at = np.maximum(np.searchsorted(onsets, ticks, side="right") - 1, 0)
    seconds: NDArray[np.float64] = begins[at] + (ticks - onsets[at]) * per_tick[at]
    return seconds


def draw_roll(
    piece: Piece, given_until: int = 0, given_notes: Sequence[bool] = ()
) -> dict[str, Any]:
    """Return what the template draws of a piece; time runs evenly, as the playhead does.

    Places are in per cent of the drawing, paths in its units: `WIDTH` by `height`. `given` is how
    much of the width lies before the tick `given_until`. given_notes: of each note whether it is
    given, none by default.
    """
    row, sounds = rows(piece)
    low, high = (int(row.min()) - 1, int(row.max()) + 1) if len(row) else (59, 73)
    seconds = max(float(seconds_at(piece, np.array([piece.end]))[0]), 0.01)
    height = (high - low + 1) * ROW

    def across(ticks: NDArray[Any]) -> NDArray[np.int64]:
        return np.rint(seconds_at(piece, ticks) * WIDTH / seconds).astype(np.int64)

    pitches = range(low + len(sounds) + (2 if sounds else 0), high + 1)
    marks = pitch_marks(pitches.start, high) if len(pitches) else []
    given = int(across(np.array([given_until]))[0]) / WIDTH if given_until else 0.0
    return {
        "seconds": round(seconds, 3),
        "width": WIDTH,
        "height": height,
        "black_keys": "".join(
            f"M0 {(high - pitch) * ROW}h{WIDTH}v{ROW}H0z"
            for pitch in pitches
            if pitch % 12 in BLACK_KEYS
        ),
        "tracks": _draw_tracks(piece, across, high, row, given_notes),
        "pitches": [
            _label((high - pitch + 0.5) * ROW / height, pitch_name(pitch)) for pitch in marks
        ]
        + ([_label(1 - (len(sounds) / 2 + 1) * ROW / height, "drums")] if sounds else []),
        "given": f"{100 * min(1.0, given):.2f}" if given else "",
        **_draw_bars(piece, across, height),
    }


def _draw_bars(piece: Piece, across: Across, height: int) -> dict[str, Any]:
    """Draw barlines as a path, and the number of some."""
    lines, numbered = piece.barlines(), bar_labels(piece)
    lines = lines[lines < max(piece.end, 1)]
    drawn = across(lines if len(lines) <= MOST_BARLINES else np.array(list(numbered)))
    places = across(np.array(list(numbered), np.int64))
    return {
        "grid": "".join(f"M{x} 0V{height}" for x in drawn),
        "bars": [_label(x / WIDTH, n) for x, n in zip(places, numbered.values(), strict=True)],
    }


def _draw_tracks(
    piece: Piece, across: Across, top: int, row: NDArray[np.int64], given_notes: Sequence[bool]
) -> dict[int, dict[str, str]]:
    """Return the colour of each track that has notes, its notes as a path, and its given ones."""
    given = np.array(given_notes or [False] * len(piece.notes), np.bool_)
    left = across(piece.notes["onset"])
    right = across(piece.notes["onset"] + piece.notes["duration"])
    width = np.maximum(right - left - 8, 8)  # a gap, so that repeated notes stay two notes
    low, high = slices(piece.notes, row)
    y, height = (top + 0.5 - high) * ROW, (high - low) * ROW
    tracks = {}
    for track in np.unique(piece.notes["track"]).tolist():
        paths = []
        for kind in (False, True):
            mine = (piece.notes["track"] == track) & (given == kind)
            boxes = zip(left[mine], y[mine], width[mine], height[mine], strict=True)
            paths.append("".join(f"M{x} {y:g}h{w}v{h:g}h-{w}z" for x, y, w, h in boxes))
        tracks[track] = {"colour": colour(track), "path": paths[0], "given": paths[1]}
    return tracks


def _label(share: float, text: str) -> dict[str, str]:
    return {"at": f"{100 * share:.2f}", "text": text}

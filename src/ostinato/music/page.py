"""listen.html: samples to hear and to see, in one file that needs no network."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.music import conversion
from ostinato.music.picture import OCTAVE, bar_step, colour, rows, slices, track_label
from ostinato.music.piece import DEFAULT_QPM, TEMPO, Piece, array

TEMPLATES = Path(__file__).parents[1]
WIDTH = 10_000  # units of a roll's drawing; a row is ROW units high
ROW = 10


@dataclass(frozen=True)
class Sample:
    """A piece to listen to: `audio` is an MP3 whose time 0 is the piece's; `facts` are shown."""

    name: str
    piece: Piece
    audio: bytes
    facts: Mapping[str, str] = field(default_factory=dict)


def listen_page(
    title: str,
    samples: Iterable[Sample],
    settings: Mapping[str, object] | None = None,
    subtitle: str = "",
) -> str:
    """An HTML page that plays each sample and follows it in its piano-roll.

    The page is one file: sound, pictures and MIDI are inside it. `settings` are shown below
    the title. Bars, length and notes are shown of every sample, before its own facts.
    """
    return render_template(
        "music/listen.html.jinja",
        title=title,
        subtitle=subtitle,
        settings=settings or {},
        samples=[_sample(sample) for sample in samples],
    )


def render_template(name: str, **values: Any) -> str:
    """Fill a template, named by its path in the package; values are escaped for HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name).render(values)


def base64_text(data: bytes) -> str:
    """Bytes as they stand in a data: address."""
    return base64.b64encode(data).decode("ascii")


def seconds_at(piece: Piece, ticks: NDArray[Any]) -> NDArray[np.float64]:
    """The time in seconds of each tick, by the tempo changes: same shape."""
    tempos = piece.tempos
    if not len(tempos) or tempos["onset"][0] > 0:
        tempos = np.concatenate([array(TEMPO, onset=0, qpm=DEFAULT_QPM), tempos])
    onsets = np.maximum(tempos["onset"], 0)
    per_tick = 60 / tempos["qpm"] / piece.resolution
    begins = np.concatenate([[0.0], np.cumsum(np.diff(onsets) * per_tick[:-1])])
    at = np.maximum(np.searchsorted(onsets, ticks, side="right") - 1, 0)
    seconds: NDArray[np.float64] = begins[at] + (ticks - onsets[at]) * per_tick[at]
    return seconds


def _sample(sample: Sample) -> dict[str, Any]:
    piece = sample.piece
    minutes, seconds = divmod(round(piece.seconds), 60)
    facts = {
        "bars": str(len(piece.barlines())),
        "length": f"{minutes}:{seconds:02d}",
        "notes": str(len(piece.notes)),
    }
    safe = "".join(c if c.isalnum() or c in " ._-" else "_" for c in sample.name)
    return {
        "name": sample.name,
        "facts": facts | dict(sample.facts),
        "roll": _roll(piece),
        "audio": base64_text(sample.audio),
        "midi": base64_text(conversion.to_symusic(piece).dumps_midi()),
        "file": f"{safe}.mid",
    }


def _roll(piece: Piece) -> dict[str, Any]:
    """What the template draws: time in seconds runs to the right, so that a playhead is even."""
    row, sounds = rows(piece)
    low, high = (int(row.min()) - 1, int(row.max()) + 1) if len(row) else (59, 73)
    seconds = max(float(seconds_at(piece, np.array([piece.end]))[0]), 0.01)
    height = (high - low + 1) * ROW

    def across(ticks: NDArray[Any]) -> NDArray[np.int64]:
        return np.rint(seconds_at(piece, ticks) * WIDTH / seconds).astype(np.int64)

    lines = piece.barlines()
    lines = lines[lines < max(piece.end, 1)]
    step = bar_step(len(lines))
    octaves = [c for c in range(0, 128, OCTAVE) if low + len(sounds) < c <= high]
    grid = [f"M{x} 0V{height}" for x in across(lines[:: step if len(lines) > 200 else 1])]
    grid += [f"M0 {(high - c) * ROW + ROW // 2}H{WIDTH}" for c in octaves]
    return {
        "seconds": round(seconds, 3),
        "width": WIDTH,
        "height": height,
        "grid": "".join(grid),
        "parts": _parts(piece, across, high, row),
        "octaves": [
            _label((high - c + 0.5) * ROW / height, f"C{c // OCTAVE - 1}") for c in octaves
        ],
        "bars": [
            _label(x / WIDTH, str(1 + i * step) if i else "bar 1")
            for i, x in enumerate(across(lines[::step]))
        ],
    }


def _parts(piece: Piece, across: Any, top: int, row: NDArray[np.int64]) -> list[dict[str, str]]:
    """Each track that has notes, drawn as one path."""
    left = across(piece.notes["onset"])
    right = across(piece.notes["onset"] + piece.notes["duration"])
    width = np.maximum(right - left - 8, 8)  # a gap, so that repeated notes stay two notes
    low, high = slices(piece.notes, row)
    y, height = (top + 0.5 - high) * ROW, (high - low) * ROW
    parts = []
    for track in np.unique(piece.notes["track"]).tolist():
        mine = piece.notes["track"] == track
        boxes = zip(left[mine], y[mine], width[mine], height[mine], strict=True)
        path = "".join(f"M{x} {y:g}h{w}v{h:g}h-{w}z" for x, y, w, h in boxes)
        parts.append({"name": track_label(piece, track), "colour": colour(track), "path": path})
    return parts


def _label(share: float, text: str) -> dict[str, str]:
    return {"at": f"{100 * share:.2f}", "text": text}

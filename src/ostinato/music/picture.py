"""Pieces as pictures: piano-rolls drawn by matplotlib."""

import io
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.music.piece import OCTAVE, Piece

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind readers can tell apart, without yellow and black
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
INK, FAINT, GRID = "#24292f", "#6e7781", "#d8dee4"
GIVEN = "#9ea7b0"  # notes that are not new
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 12,
    "text.parse_math": False,  # a piece may be called anything
    "axes.edgecolor": GRID,
    "axes.labelcolor": FAINT,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
}
SOURCE = "Ostinato"
HEAD = 4096  # bytes, in which a PNG says what drew it
DPI = 100
PIXELS_PER_BAR, NARROWEST, WIDEST = 20, 1600, 4800
LEGEND_BESIDE_TITLE = 6  # more tracks than this get rows of their own below
SCALE = (0, 2, 4, 5, 7, 9, 11)
NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
FEWEST_MARKS = 3  # labels of pitch beside a roll
MOST_BARLINES = 200  # more than these are drawn where they are numbered alone
NOTE_HEIGHT = 0.9  # of a row
THINNEST = 1 / 800  # of the width: a drum stroke of one tick is still seen


def piano_roll(
    *pieces: Piece, title: str | None = None, height: int = 500, given: Sequence[bool] = ()
) -> bytes:
    """Return a PNG of piano-rolls, one below the other; the same pieces give the same bytes.

    Each roll is `height` pixels high and 1600 wide, wider from 80 bars on, up to 4800. A roll is
    titled by the name of its piece; `title` replaces the name of a single piece and stands above
    several. given: of each note of a single piece whether it is given; those are grey.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    bars = max((len(piece.barlines()) for piece in pieces), default=1)
    width = int(np.clip(PIXELS_PER_BAR * bars, NARROWEST, WIDEST))
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        size = (width / DPI, height * max(1, len(pieces)) / DPI)
        margins = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
        figure = Figure(size, dpi=DPI, facecolor="white", layout=margins)
        FigureCanvasAgg(figure)
        rows = figure.subplots(max(1, len(pieces)), 1, squeeze=False)[:, 0]
        single = len(pieces) == 1
        for axes, piece in zip(rows, pieces, strict=False):
            name = title if single and title is not None else piece.name
            _draw(axes, piece, name, given if single else ())
        if title and not single:
            figure.suptitle(title, fontsize=18, fontweight="bold")
        return png(figure)


def png(figure: "Figure") -> bytes:
    """Return a figure as a PNG that says what drew it, but neither when nor by which version."""
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None, "Source": SOURCE})
    return file.getvalue()


def is_ours(file: Path) -> bool:
    """Return whether a file is a PNG that was drawn here."""
    with file.open("rb") as opened:
        return f"Source\0{SOURCE}".encode() in opened.read(HEAD)


def colour(track: int) -> str:
    """Return the colour of a track, as #rrggbb: six hues, then lighter, then darker ones."""
    hue = np.array([int(PALETTE[track % len(PALETTE)][i : i + 2], 16) for i in (1, 3, 5)])
    shade = track // len(PALETTE) % 3
    red, green, blue = (hue, 255 - (255 - hue) * 0.55, hue * 0.6)[shade].round().astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def track_label(piece: Piece, track: int) -> str:
    """Return the name of a track, or what it is."""
    notes = piece.track(track)
    unnamed = "drums" if len(notes) and notes["drum"].all() else f"track {track + 1}"
    return piece.track_names[track].strip() or unnamed


def rows(piece: Piece) -> tuple[NDArray[np.int64], list[int]]:
    """Return the row in which each note is drawn, and the drum sounds in use, lowest row first.

    A pitched note's row is its pitch. Drums have a lane of their own below the lowest pitch: one
    row for each sound, and an empty row above.
    """
    notes = piece.notes
    sounds = np.unique(notes["pitch"][notes["drum"]])
    pitches = notes["pitch"][~notes["drum"]]
    floor = int(pitches.min()) - 1 if len(pitches) else 60
    lane = floor - len(sounds) + np.searchsorted(sounds, notes["pitch"])
    return np.where(notes["drum"], lane, notes["pitch"]).astype(np.int64), sounds.tolist()


def slices(
    notes: NDArray[Any], row: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper edge of each note, in rows: (note,); notes in unison share one height."""
    sounds = np.stack([notes["onset"], row], 1)
    _, group, count = np.unique(sounds, axis=0, return_inverse=True, return_counts=True)
    group = group.ravel()
    order = np.argsort(group, kind="stable")
    rank = np.empty(len(row), np.int64)
    rank[order] = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    high = row + NOTE_HEIGHT * (0.5 - rank / count[group])
    return high - NOTE_HEIGHT / count[group], high


def _draw(axes: "Axes", piece: Piece, title: str, given: Sequence[bool]) -> None:
    from matplotlib.collections import PolyCollection

    axes.set_title(title, loc="left", fontsize=16, fontweight="bold", pad=12)
    row, sounds = rows(piece)
    bottom, top = (int(row.min()), int(row.max())) if len(row) else (60, 72)
    middle, least = (bottom + top) / 2, OCTAVE / 2
    axes.set_ylim(min(bottom - 1.0, middle - least), max(top + 1.0, middle + least))
    axes.set_xlim(0, max(piece.end, 1))
    _draw_grid(axes, piece, sounds, bottom)
    axes.add_collection(
        PolyCollection(
            _rectangles(piece, row), facecolors=_colours(piece, given), linewidths=0, zorder=3
        )
    )
    _draw_legend(axes, piece, any(given))


def _rectangles(piece: Piece, row: NDArray[np.int64]) -> Any:
    """Return the corners of each note: (note, 4, 2), in ticks and rows."""
    notes, end = piece.notes, max(piece.end, 1)
    left = notes["onset"].astype(float)
    gap = np.minimum(0.1 * notes["duration"], end / 1000)  # repeated notes stay two notes
    right = left + np.maximum(notes["duration"] - gap, end * THINNEST)
    low, high = slices(notes, row)
    x, y = np.stack([left, left, right, right], 1), np.stack([low, high, high, low], 1)
    return np.stack([x, y], 2)


def _colours(piece: Piece, given: Sequence[bool]) -> Any:
    """Return red, green, blue and opacity of each note: (note, 4).

    Soft notes are paler, and given ones grey.
    """
    from matplotlib.colors import to_rgba, to_rgba_array

    palette = to_rgba_array([colour(i) for i in range(max(1, len(piece.track_names)))])
    colours = palette[piece.notes["track"]]
    velocity = piece.notes["velocity"].astype(float)
    if len(velocity) and velocity.min() < velocity.max():
        colours[:, 3] = 0.35 + 0.65 * velocity / velocity.max()
    if given:
        colours[np.array(given, np.bool_)] = to_rgba(GIVEN)
    return colours


def _draw_grid(axes: "Axes", piece: Piece, sounds: list[int], bottom: int) -> None:
    low, high = axes.get_ylim()
    floor = bottom + len(sounds) if sounds else low
    marks = pitch_marks(int(np.floor(floor)) + 1, int(np.ceil(high)) - 1)
    octaves = [pitch for pitch in marks if pitch % OCTAVE == 0]
    ticks = [(float(pitch), pitch_name(pitch)) for pitch in marks]
    if sounds:
        ticks.append((bottom + (len(sounds) - 1) / 2, "drums"))
        axes.axhspan(low, floor - 0.5, facecolor="#f6f8fa", zorder=0)
    axes.hlines(octaves, 0, max(piece.end, 1), colors=GRID, linewidths=0.8, zorder=1)
    axes.set_yticks([at for at, _ in ticks], [label for _, label in ticks])
    lines, numbered = piece.barlines(), bar_labels(piece)
    drawn = lines if len(lines) <= MOST_BARLINES else list(numbered)
    axes.vlines(drawn, low, high, colors=GRID, linewidths=0.8, zorder=1)
    axes.set_xticks(list(numbered), list(numbered.values()))
    axes.tick_params(length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def pitch_marks(low: int, high: int) -> list[int]:
    """Return the pitches from `low` to `high` that are labelled: three where there are so many.

    Of a wide range every C, of a narrower one the notes of C's triad or of its scale too.
    """
    marks: list[int] = []
    for classes in ((0,), (0, 7), (0, 4, 7), SCALE, range(OCTAVE)):
        marks = [pitch for pitch in range(low, high + 1) if pitch % OCTAVE in classes]
        if len(marks) >= FEWEST_MARKS:
            break
    return marks


def pitch_name(pitch: int) -> str:
    """Return the name of a MIDI pitch: 60 is C4."""
    return f"{NAMES[pitch % OCTAVE]}{pitch // OCTAVE - 1}"


def has_pickup(piece: Piece) -> bool:
    """Return whether the first bar is shorter than the second."""
    lines = piece.barlines()
    return len(lines) > 2 and bool(lines[1] - lines[0] < lines[2] - lines[1])


def bar_labels(piece: Piece) -> dict[int, str]:
    """Return the ticks at which bars that are numbered begin, each with its label: at most 25.

    A pickup is no bar: bar 1 begins after it.
    """
    lines = piece.barlines()[int(has_pickup(piece)) :]
    lines = lines[lines < max(piece.end, 1)]
    step = next(_steps(len(lines)))
    return {
        int(tick): "bar 1" if number == 0 else str(number * step + 1)
        for number, tick in enumerate(lines[::step])
    }


def _steps(bars: int) -> Iterator[int]:
    for power in range(10):
        yield from (step for step in (10**power, 2 * 10**power, 4 * 10**power) if bars <= 25 * step)


def _draw_legend(axes: "Axes", piece: Piece, has_given: bool) -> None:
    from matplotlib.patches import Patch

    tracks = np.unique(piece.notes["track"]).tolist()
    count = len(tracks)
    if count < 2 and not has_given:
        return
    patches = [Patch(facecolor=colour(i)) for i in tracks]
    # matplotlib leaves out labels that begin with an underscore
    labels = [track_label(piece, i).lstrip("_")[:24] or "–" for i in tracks]
    if has_given:
        patches, labels, count = [Patch(facecolor=GIVEN), *patches], ["given", *labels], count + 1
    place: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "ncols": count}
    if count > LEGEND_BESIDE_TITLE:
        place = {"loc": "upper left", "bbox_to_anchor": (0, 0), "ncols": 8, "borderaxespad": 2}
    axes.legend(
        patches, labels, frameon=False, handlelength=1, handleheight=1, borderpad=0.2, **place
    )

"""Pictures of what a set of pieces, a token store or a trained model holds."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ostinato.evaluation.charts import WIDTH
from ostinato.evaluation.holdings import Holdings
from ostinato.evaluation.sets import DURATIONS
from ostinato.music.naming import program_name
from ostinato.music.picture import DPI, GRID, PALETTE, STYLE, png
from ostinato.music.piece import OCTAVE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Draw = Callable[["Axes"], None]
PANEL = (6.0, 3.4)  # inches
TITLE = 0.5  # inches above the panels
MOST = 12  # bars in a panel: the commonest
LONGEST_LABEL = 30
BINS = 24
SPREAD = 20  # how many times the longest is the shortest where a scale becomes logarithmic

Counts = Sequence[tuple[str, int]]


def of_pieces(holdings: Holdings, title: str) -> bytes:
    """A PNG of pitches, durations, keys, metres, programs, tempos and lengths."""
    programs = [(program_name(*key), n) for key, n in holdings.programs.most_common(MOST)]
    tracks = [(f"{n}", count) for n, count in sorted(holdings.tracks.most_common(MOST))]
    panels = [
        ("Pitches", _pitches(holdings)),
        ("Durations", _durations(holdings)),
        ("Keys", bars(holdings.keys.most_common(MOST), "pieces")),
        ("Metres", bars(holdings.metres.most_common(MOST), "pieces")),
        ("Instruments", bars(programs, "notes")),
        ("Lengths", spread(np.array(holdings.seconds) / 60, "minutes", "pieces")),
        ("Mean tempos", spread(holdings.qpm, "quarter notes per minute", "pieces")),
        ("Tracks", bars(tracks, "pieces")),
    ]
    return panelled(panels, title)


def of_tokens(commonest: Counts, counts: ArrayLike, lengths: ArrayLike, title: str) -> bytes:
    """A PNG of the commonest tokens, of all `counts` by rank, and of the lengths of pieces."""

    def ranked(axes: "Axes") -> None:
        ordered = np.sort(np.asarray(counts))[::-1]
        used = ordered[ordered > 0]
        if len(used):
            axes.loglog(np.arange(1, len(used) + 1), used, color=PALETTE[0], lw=2, marker=".")
            _plain(axes.xaxis)
            _plain(axes.yaxis)
        axes.set_xlabel("rank of the token")
        axes.set_ylabel("times")
        axes.grid(color=GRID)

    panels = [
        ("Commonest tokens", bars(commonest, "times")),
        ("All tokens", ranked),
        ("Lengths", spread(lengths, "tokens in a piece", "pieces")),
    ]
    return panelled(panels, title)


def of_parameters(sizes: Counts, title: str, curves: Draw | None = None) -> bytes:
    """A PNG of the largest tensors' parameters, and of learning curves where they are known."""
    largest = sorted(sizes, key=lambda size: -size[1])[:MOST]
    panels = [("Largest tensors", bars(largest, "parameters"))]
    return panelled(panels + ([("Learning curves", curves)] if curves else []), title)


def panelled(panels: Sequence[tuple[str, Draw]], title: str) -> bytes:
    """A PNG of charts, two or three in a row; the same charts give the same bytes."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    columns = 3 if len(panels) == 3 else min(2, len(panels))
    rows = -(-len(panels) // columns)
    with matplotlib.rc_context(STYLE):
        size = (columns * PANEL[0], rows * PANEL[1] + TITLE)
        margins = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.12)
        figure = Figure(size, dpi=1.5 * DPI, facecolor="white", layout=margins)
        FigureCanvasAgg(figure)
        figure.suptitle(title, fontsize=18, fontweight="bold")
        places = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in places[len(panels) :]:
            axes.set_visible(False)
        for axes, (name, draw) in zip(places, panels, strict=False):
            axes.set_title(name, loc="left", fontsize=14, fontweight="bold")
            draw(axes)
            if axes.get_legend_handles_labels()[0]:
                axes.legend(frameon=False, loc="upper right")
            axes.set_axisbelow(True)
            axes.tick_params(length=0, which="both")
            axes.spines[["top", "right", "left"]].set_visible(False)
        return png(figure)


def bars(counts: Counts, label: str) -> Draw:
    """Horizontal bars, the first on top."""

    def draw(axes: "Axes") -> None:
        places = np.arange(len(counts))
        numbers = [count for _, count in counts]
        axes.barh(places, numbers, WIDTH, color=PALETTE[0])
        names = [
            name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"
            for name, _ in counts
        ]
        axes.set_yticks(places, names, fontsize=10 if len(counts) > 8 else 12)
        low = max(len(counts), 4) - 0.5  # a few bars are not as thick as the panel
        axes.set_ylim(low, -0.5)
        axes.set_xlim(0, 1.18 * max(numbers, default=1))
        for place, number in zip(places, numbers, strict=True):
            axes.annotate(
                f"{number:,}", (number, place), (4, 0), textcoords="offset points", va="center",
                fontsize=9,
            )  # fmt: skip
        axes.set_xlabel(label)
        axes.xaxis.set_major_locator(_whole())
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.grid(axis="x", color=GRID)

    return draw


def spread(values: ArrayLike, label: str, what: str) -> Draw:
    """A histogram; of values that differ by orders of magnitude on a logarithmic scale."""

    def draw(axes: "Axes") -> None:
        given = np.asarray(values, float)
        given = given[np.isfinite(given)]
        edges: Any = BINS
        if len(given) and given.min() > 0 and given.max() > SPREAD * given.min():
            edges = np.geomspace(given.min(), given.max(), BINS + 1)
            axes.set_xscale("log")
            _plain(axes.xaxis)
        if len(given):
            axes.hist(given, edges, color=PALETTE[0], rwidth=0.92)
        axes.set_xlabel(label)
        axes.set_ylabel(what)
        axes.yaxis.set_major_locator(_whole())
        axes.grid(axis="y", color=GRID)

    return draw


def _pitches(holdings: Holdings) -> Draw:
    def draw(axes: "Axes") -> None:
        used = np.flatnonzero(holdings.pitches)
        low, high = (int(used[0]), int(used[-1])) if len(used) else (48, 72)
        axes.bar(np.arange(128), holdings.pitches, 0.9, color=PALETTE[0])
        axes.set_xlim(low - 1, high + 1)
        octaves = [c for c in range(0, 128, OCTAVE) if low <= c <= high]
        axes.set_xticks(octaves, [f"C{c // OCTAVE - 1}" for c in octaves])
        _notes(axes)

    return draw


def _durations(holdings: Holdings) -> Draw:
    def draw(axes: "Axes") -> None:
        places = np.arange(len(DURATIONS))
        axes.bar(places, holdings.durations, WIDTH, color=PALETTE[0])
        axes.set_xticks(places[1::2], DURATIONS[1::2])
        axes.set_xlabel("quarter notes")
        _notes(axes)

    return draw


def _notes(axes: "Axes") -> None:
    axes.set_ylabel("notes")
    axes.yaxis.set_major_locator(_whole())
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="y", color=GRID)


def _plain(axis: Any) -> None:
    """Powers of ten as numbers: matplotlib would write them as formulas."""
    axis.set_major_formatter("{x:,g}")
    axis.set_minor_formatter("")


def _whole() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(5, integer=True)

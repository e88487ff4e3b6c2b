"""Figures of what a corpus, a token store or a trained model holds."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ostinato.evaluation.charts import WIDTH
from ostinato.evaluation.sets import DURATIONS
from ostinato.inspection.statistics import CorpusStatistics
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


def draw_corpus(statistics: CorpusStatistics, title: str) -> bytes:
    """Return a PNG of pitches, durations, keys, metres, programs, tempos and lengths."""
    programs = [(program_name(*key), n) for key, n in statistics.programs.most_common(MOST)]
    tracks = [(f"{n}", count) for n, count in sorted(statistics.tracks.most_common(MOST))]
    panels = [
        ("Pitches", _pitches(statistics)),
        ("Durations", _durations(statistics)),
        ("Keys", bar_chart(statistics.keys.most_common(MOST), "pieces")),
        ("Metres", bar_chart(statistics.metres.most_common(MOST), "pieces")),
        ("Instruments", bar_chart(programs, "notes")),
        ("Lengths", histogram(np.array(statistics.seconds) / 60, "minutes", "pieces")),
        ("Mean tempos", histogram(statistics.qpm, "quarter notes per minute", "pieces")),
        ("Tracks", bar_chart(tracks, "pieces")),
    ]
    return draw_panels(panels, title)


def draw_tokens(commonest: Counts, counts: ArrayLike, lengths: ArrayLike, title: str) -> bytes:
    """Return a PNG of the commonest tokens, of all `counts` by rank, and of pieces' lengths."""

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
        ("Commonest tokens", bar_chart(commonest, "times")),
        ("All tokens", ranked),
        ("Lengths", histogram(lengths, "tokens in a piece", "pieces")),
    ]
    return draw_panels(panels, title)


def draw_parameters(sizes: Counts, title: str, curves: Draw | None = None) -> bytes:
    """Return a PNG of the largest tensors, and of learning curves where they are known."""
    largest = sorted(sizes, key=lambda size: -size[1])[:MOST]
    panels = [("Largest tensors", bar_chart(largest, "parameters"))]
    return draw_panels(panels + ([("Learning curves", curves)] if curves else []), title)


def draw_panels(panels: Sequence[tuple[str, Draw]], title: str) -> bytes:
    """Return a PNG of charts, two or three in a row; the same charts give the same bytes."""
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


def bar_chart(counts: Counts, label: str) -> Draw:
    """Return what draws horizontal bars, the first on top."""

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


def histogram(values: ArrayLike, label: str, what: str) -> Draw:
    """Return what draws a histogram; on a logarithmic scale where values differ very much."""

    def draw(axes: "Axes") -> None:
        finite = np.asarray(values, float)
        finite = finite[np.isfinite(finite)]
        edges: Any = BINS
        if len(finite) and finite.min() > 0 and finite.max() > SPREAD * finite.min():
            edges = np.geomspace(finite.min(), finite.max(), BINS + 1)
            axes.set_xscale("log")
            _plain(axes.xaxis)
        if len(finite):
            axes.hist(finite, edges, color=PALETTE[0], rwidth=0.92)
        axes.set_xlabel(label)
        axes.set_ylabel(what)
        axes.yaxis.set_major_locator(_whole())
        axes.grid(axis="y", color=GRID)

    return draw


def _pitches(statistics: CorpusStatistics) -> Draw:
    def draw(axes: "Axes") -> None:
        used = np.flatnonzero(statistics.pitches)
        low, high = (int(used[0]), int(used[-1])) if len(used) else (48, 72)
        axes.bar(np.arange(128), statistics.pitches, 0.9, color=PALETTE[0])
        axes.set_xlim(low - 1, high + 1)
        octaves = [c for c in range(0, 128, OCTAVE) if low <= c <= high]
        axes.set_xticks(octaves, [f"C{c // OCTAVE - 1}" for c in octaves])
        _notes(axes)

    return draw


def _durations(statistics: CorpusStatistics) -> Draw:
    def draw(axes: "Axes") -> None:
        places = np.arange(len(DURATIONS))
        axes.bar(places, statistics.durations, WIDTH, color=PALETTE[0])
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

"""The pictures of a report, drawn by matplotlib."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.music.picture import DPI, GRID, INK, NAMES, PALETTE, STYLE, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (7.2, 3.6)  # inches
WIDTH = 0.8  # of a group of bars
FIFTH = 7  # semitones


def learning_curves(
    rows: Sequence[Mapping[str, float | None]], label: str = "loss, nats", higher: bool = False
) -> bytes:
    """Return a PNG of `train` and `validation` over `epoch`; the best validation is marked.

    It is the lowest, or the highest where `higher`.
    """
    return _chart(curves(rows, label, higher))


def curves(
    rows: Sequence[Mapping[str, float | None]], label: str = "loss, nats", higher: bool = False
) -> "Callable[[Axes], None]":
    """Return what draws learning curves into axes."""
    from matplotlib.ticker import MaxNLocator

    def draw(axes: "Axes") -> None:
        for name, hue in (("train", PALETTE[0]), ("validation", PALETTE[1])):
            points = _points(rows, name)
            if points:
                marker = "o" if len(points) == 1 else None
                axes.plot(*zip(*points, strict=True), color=hue, lw=2, label=name, marker=marker)
        held_out = _points(rows, "validation")
        if held_out:
            choose = max if higher else min
            epoch, best = choose(held_out, key=lambda point: point[1])
            words = f"best: {best:.3f}, epoch {epoch:g}"
            axes.plot(epoch, best, "o", ms=8, mfc="white", mec=INK, mew=1.5, ls="", label=words)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel(label)
        axes.grid(axis="y", color=GRID)

    return draw


def histogram(classes: Sequence[str], sets: Mapping[str, Sequence[float]], label: str) -> bytes:
    """Return a PNG of the share of each class in each set: bars side by side."""

    def draw(axes: "Axes") -> None:
        middle = np.arange(len(classes))
        width = WIDTH / max(1, len(sets))
        for index, (name, shares) in enumerate(sets.items()):
            left = middle - WIDTH / 2 + index * width
            hue = PALETTE[index % len(PALETTE)]
            heights = 100 * np.asarray(shares)
            axes.bar(left, heights, 0.92 * width, align="edge", color=hue, label=name)
        axes.set_xticks(middle, list(classes), fontsize=12 if len(classes) <= 12 else 9)
        axes.set_xlabel(label)
        axes.set_ylabel("% of notes")
        axes.grid(axis="y", color=GRID)
        axes.set_axisbelow(True)

    return _chart(draw)


def units(values: Sequence[float]) -> bytes:
    """Return a PNG of the divergence of each latent number, in nats, the largest first."""

    def draw(axes: "Axes") -> None:
        axes.bar(np.arange(1, len(values) + 1), sorted(values, reverse=True), color=PALETTE[0])
        axes.set_xlabel("latent number, from the largest on")
        axes.set_ylabel("divergence, nats")
        axes.grid(axis="y", color=GRID)
        axes.set_axisbelow(True)

    return _chart(draw)


def plane(points: NDArray[np.float64], keys: NDArray[np.int64]) -> bytes:
    """Return a PNG of points (count, 2), coloured by keys: tonics of major keys, C being 0.

    Colours go round the circle of fifths, so that neighbours are alike.
    """
    import matplotlib

    def draw(axes: "Axes") -> None:
        wheel = matplotlib.colormaps["hsv"]
        for place in range(len(NAMES)):
            tonic = place * FIFTH % len(NAMES)
            x, y = points[keys == tonic].T
            if len(x):
                hue = wheel(place / len(NAMES))
                axes.scatter(x, y, s=9, color=hue, linewidths=0, label=NAMES[tonic])
        axes.set_xlabel("first principal component")
        axes.set_ylabel("second")

    return _chart(draw)


def _points(rows: Iterable[Mapping[str, float | None]], name: str) -> list[tuple[float, float]]:
    points = []
    for row in rows:
        epoch, value = row.get("epoch"), row.get(name)
        if epoch is not None and value is not None:
            points.append((float(epoch), float(value)))
    return points


def _chart(draw: Callable[[Any], None]) -> bytes:
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(SIZE, dpi=2 * DPI, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        draw(axes)
        axes.tick_params(length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        if axes.get_legend_handles_labels()[0]:
            place: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": 6}
            axes.legend(frameon=False, borderpad=0, handlelength=1.2, **place)
        return png(figure)

"""Metrics of generated segments, beside those of the test split."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.methods.base import EvaluationTask
from ostinato.methods.segments.cutting import JUDGED, cut_segments
from ostinato.wording import quantity

if TYPE_CHECKING:
    from ostinato.data.segments import Segments
    from ostinato.models.segments import SegmentModel, SegmentSpec
    from ostinato.music.piece import Piece
    from ostinato.representations.bar_grid import BarGrid
    from ostinato.representations.voice_roll import VoiceRoll

COMPARED = 20_000  # training segments, at most, that others may be copies of
PLACES = 2**26  # of all of them, so that memory does not grow with segments or pitches


@dataclass(frozen=True)
class SegmentMetrics:
    """Figures of generated segments and of real ones.

    `count` segments of `bars` bars of each; areas: of each feature, generated against test;
    control: the mean of them, training against test; gap: the 95 % interval of how much that is
    more than the generated segments' area; generated, test: of each set by itself.
    nearest: how much a generated segment differs from the training segment that is most like it,
    at the least, and a test segment at the 1st percentile. tables: those of MuseGAN, of training
    segments and of generated ones. originals: by part of the split, `test` and `train`, segments as
    pieces.
    """

    count: int
    bars: int
    area: float
    control: float
    gap: tuple[float, float]
    areas: Mapping[str, float]
    generated: Mapping[str, float]
    test: Mapping[str, float]
    nearest: Mapping[str, float]
    tables: Mapping[str, Mapping[str, Any]]
    originals: "Mapping[str, list[Piece]]"

    def table(self) -> dict[str, Any]:
        """Return the figures for metrics.json."""
        return {
            "segments": self.count,
            "bars": self.bars,
            "overlapping_area": round(self.area, 4),
            "control": round(self.control, 4),
            "control_minus_area": [round(end, 4) for end in self.gap],
            "features": rounded(self.areas),
            "generated": rounded(self.generated),
            "test": rounded(self.test),
            "nearest": rounded(self.nearest),
            "musegan": rounded(self.tables),
        }

    def figures(self) -> dict[str, float]:
        """Return the figures for the MLflow run."""
        figures = {"test_overlapping_area": self.area, "control_overlapping_area": self.control}
        figures |= {f"overlap/segments/{name}": area for name, area in self.areas.items()}
        return figures | {f"generated/{name}": value for name, value in self.generated.items()}

    def subtitle(self) -> str:
        """Return what was measured."""
        return (
            f"Test split: {quantity(len(self.originals['test']), 'segment')} of "
            f"{quantity(self.bars, 'bar')}; findings are of "
            f"{quantity(self.count, 'generated segment')}"
        )

    def summary(self) -> str:
        """Return the figure that counts, in a line."""
        return (
            f"mean overlapping area with the test split {self.area:.3f} (training against test "
            f"{self.control:.3f}), diversity {self.generated['diversity']:.3f} "
            f"({self.test['diversity']:.3f})"
        )

    def details(self) -> dict[str, str]:
        """Return the figures in words."""
        from ostinato.evaluation.musegan import TABLE
        from ostinato.evaluation.segments import FEATURES, SET_METRICS

        which = f"{quantity(self.count, 'segment')} of {quantity(self.bars, 'bar')}"
        details = {
            f"mean overlapping area, {which} against as many of the test split": (
                f"{self.area:.3f}; segments of the training split reach {self.control:.3f}"
            )
        }
        details |= {f"overlapping area: {FEATURES[k]}": f"{v:.3f}" for k, v in self.areas.items()}
        for name, share in self.generated.items():
            details[SET_METRICS[name]] = f"{share:.3f}; {self.test[name]:.3f} in the test split"
        details["what differs from the training segment that is most like it, at the least"] = (
            f"{self.nearest['generated']:.3f}; {self.nearest['test']:.3f} at the 1st percentile of "
            "the test split"
        )
        for name, meaning in TABLE.items():
            ours, theirs = (_shown(self.tables[of][name]) for of in ("generated", "training"))
            details[f"{meaning} (MuseGAN)"] = f"{ours}; {theirs} in the training split"
        return details


def measure_segments(
    task: EvaluationTask,
) -> "tuple[SegmentMetrics, VoiceRoll, Segments] | None":
    """Generate segments and compare them with real ones.

    Returns the metrics, the generated segments and those of the test split; None where there is no
    test segment.
    """
    import torch

    from ostinato.sampling.voice_rolls import draw_segments

    network: SegmentModel = task.bundle.network  # type: ignore[assignment]
    seed = task.config["seed"]
    training, test = (
        cut_segments(
            task.store,
            task.store.indices(task.split[part]),
            task.pieces,
            task.bundle.representation,
            network,
        )
        for part in ("train", "test")
    )
    if not len(test) or not len(training):
        console.warn("no segment of the test pieces can be cut: segments are not measured.")
        return None
    conditioning = test.sample(JUDGED, seed).repeat(JUDGED)
    noise = network.noise(JUDGED, torch.Generator().manual_seed(seed))
    ours = draw_segments(network, noise, conditioning)
    return compare_segments(ours, training, test, network.spec, seed), ours, test


def compare_segments(
    ours: "VoiceRoll", training: "Segments", test: "Segments", spec: "SegmentSpec", seed: int
) -> SegmentMetrics:
    """Set segments against as many of the test split, and both against those of training."""
    from ostinato.evaluation.bootstrap import overlap_gap
    from ostinato.evaluation.distances.assessment import CONTROL_PIECES
    from ostinato.evaluation.musegan import musegan_table
    from ostinato.evaluation.segments import overlap, overlaps, set_statistics

    most = min(COMPARED, PLACES // (spec.voices * spec.steps))
    held_out, known = (part.sample(len(ours), seed) for part in (test, training))
    many = training.sample(most, seed)
    areas, tracks = overlaps(ours, held_out), test.representation.parts
    return SegmentMetrics(
        len(ours),
        spec.bars,
        overlap(areas),
        overlap(overlaps(known, held_out)),
        overlap_gap(ours, known, held_out),
        areas,
        set_statistics(ours),
        set_statistics(held_out),
        _measure_memorisation(ours, held_out, many),
        {"training": musegan_table(many, tracks), "generated": musegan_table(ours, tracks)},
        {
            "test": _decode(held_out, test.representation),
            "train": _decode(training.sample(CONTROL_PIECES, seed), test.representation),
        },
    )


def _measure_memorisation(
    ours: "VoiceRoll", held_out: "VoiceRoll", training: "VoiceRoll"
) -> dict[str, float]:
    """Return the least distance of ours from training segments, and that of held-out ones."""
    import numpy as np

    from ostinato.evaluation.memorisation import nearest_distances

    others = nearest_distances(held_out, training)
    return {
        "generated": float(nearest_distances(ours, training).min()),
        "test": float(np.percentile(others, 1)),
    }


def _decode(roll: "VoiceRoll", representation: "BarGrid") -> "list[Piece]":
    return [representation.decode(row) for row in representation.from_grid(roll)]


def rounded(values: Any) -> Any:
    """Return every number, in lists and mappings too, to four places."""
    if isinstance(values, Mapping):
        return {name: rounded(value) for name, value in values.items()}
    if isinstance(values, list):
        return [rounded(value) for value in values]
    return round(values, 4) if isinstance(values, float) else values


def _shown(figures: Any) -> str:
    """A figure, or several beside each other."""
    if isinstance(figures, Mapping):
        return ", ".join(f"{name} {_shown(value)}" for name, value in figures.items())
    if isinstance(figures, list):
        return ", ".join(map(_shown, figures))
    return "–" if figures is None else f"{figures:.2f}"

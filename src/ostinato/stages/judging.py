"""What segments of a trained model are, beside those of the test split."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.config import Config
from ostinato.stages.cutting import segments_of
from ostinato.stages.encoding import read_split, token_store
from ostinato.stages.latents import Latents, measure_latents
from ostinato.stages.workspace import Workspace
from ostinato.wording import quantity

if TYPE_CHECKING:
    from ostinato.data.segments import SegmentBatch, Segments
    from ostinato.evaluation.segments import Excerpts
    from ostinato.models.bundle import Bundle
    from ostinato.models.segments import Shape
    from ostinato.music.piece import Piece
    from ostinato.representations.bar_grid import BarGrid

COMPARED = 20_000  # training segments, at most, that others may be like
PLACES = 2**26  # of all of them, so that memory does not grow with segments or pitches


@dataclass(frozen=True)
class Judged:
    """Figures of generated segments and of real ones.

    `count` segments of `bars` bars of each; areas: of each feature, generated against test;
    control: the mean of them, training against test; gap: the 95 % interval of how much that is
    more than the generated segments' area; generated, test: of each set by itself.
    nearest: how much of a generated segment differs from the training segment that is most like it,
    at the least, and of a test segment at the 1st percentile. tables: those of MuseGAN, of training
    segments and of generated ones. `pieces` are the test segments as pieces; `latents` what an
    autoencoder keeps of them.
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
    pieces: "list[Piece]"
    latents: "Latents | None" = None

    def told(self) -> dict[str, Any]:
        """The figures as values for a JSON file, by what they are of."""
        latents = {"latents": _rounded(self.latents.figures)} if self.latents else {}
        return {"segments": self._table(), **latents}

    def _table(self) -> dict[str, Any]:
        return {
            "segments": self.count,
            "bars": self.bars,
            "overlapping_area": round(self.area, 4),
            "control": round(self.control, 4),
            "control_minus_area": [round(end, 4) for end in self.gap],
            "features": _rounded(self.areas),
            "generated": _rounded(self.generated),
            "test": _rounded(self.test),
            "nearest": _rounded(self.nearest),
            "musegan": _rounded(self.tables),
        }

    def flat(self) -> dict[str, float]:
        """The figures for the MLflow run."""
        told = {"test_overlapping_area": self.area, "control_overlapping_area": self.control}
        told |= {f"overlap/segments/{name}": area for name, area in self.areas.items()}
        told |= {f"generated/{name}": value for name, value in self.generated.items()}
        if self.latents:
            from ostinato.evaluation.latents import told as numbers

            told |= {f"latents/{k}": v for k, v in numbers(self.latents.figures).items()}
        return told

    def subtitle(self, samples: int) -> str:
        """What was measured."""
        return (
            f"Test split: {quantity(len(self.pieces), 'segment')} of "
            f"{quantity(self.bars, 'bar')}, beside {quantity(samples, 'sample')}; "
            f"findings are of {quantity(self.count, 'generated segment')}."
        )

    def summary(self) -> str:
        """The figure that counts, in a line."""
        return (
            f"mean overlapping area with the test split {self.area:.3f} (training against test "
            f"{self.control:.3f}), diversity {self.generated['diversity']:.3f} "
            f"({self.test['diversity']:.3f})"
        )

    def findings(self) -> dict[str, str]:
        """The figures in words."""
        from ostinato.evaluation.musegan import TABLE
        from ostinato.evaluation.segments import FEATURES, SHARES

        which = f"{quantity(self.count, 'segment')} of {quantity(self.bars, 'bar')}"
        told = {
            f"mean overlapping area, {which} against as many of the test split": (
                f"{self.area:.3f}; segments of the training split reach {self.control:.3f}"
            )
        }
        told |= {f"overlapping area: {FEATURES[k]}": f"{v:.3f}" for k, v in self.areas.items()}
        for name, share in self.generated.items():
            told[SHARES[name]] = f"{share:.3f}; {self.test[name]:.3f} in the test split"
        told["what differs from the training segment that is most like it, at the least"] = (
            f"{self.nearest['generated']:.3f}; {self.nearest['test']:.3f} at the 1st percentile of "
            "the test split"
        )
        for name, meaning in TABLE.items():
            ours, theirs = (_shown(self.tables[of][name]) for of in ("generated", "training"))
            told[f"{meaning} (MuseGAN)"] = f"{ours}; {theirs} in the training split"
        return (self.latents.findings() if self.latents else {}) | told


def judge_segments(config: Config, workspace: Workspace, bundle: "Bundle") -> Judged | None:
    """Generate segments and set them against real ones; None where there is no test segment."""
    import torch

    from ostinato.evaluation.segments import excerpts_of
    from ostinato.models.segments import SegmentModel, lines_of
    from ostinato.training.adversarial import JUDGED

    network, seed = bundle.network, config["seed"]
    assert isinstance(network, SegmentModel)
    store = token_store(bundle.config, workspace, bundle.representation)
    split = read_split(workspace)
    training, test = (
        segments_of(workspace, store, store.indices(split[part]), bundle.representation, network)
        for part in ("train", "test")
    )
    if not len(test) or not len(training):
        console.warn("no segment of the test pieces can be cut: segments are not measured.")
        return None
    real = test.drawn(JUDGED, seed)
    given = lines_of(real.pitch, real.onset, network.shape.pitches).repeated(JUDGED)
    noise = network.noise(JUDGED, torch.Generator().manual_seed(seed))
    lines = network.draw(noise, given)
    ours = excerpts_of(lines, network.shape)
    judged = compare_segments(ours, training, test, network.shape, seed)
    return replace(judged, latents=measure_latents(network, test, ours, seed))


def compare_segments(
    ours: "Excerpts", training: "Segments", test: "Segments", shape: "Shape", seed: int
) -> Judged:
    """Set segments against as many of the test split, and both against those of training."""
    from ostinato.evaluation.bootstrap import overlap_gap
    from ostinato.evaluation.musegan import musegan_table
    from ostinato.evaluation.segments import (
        by_themselves,
        excerpts,
        overlap,
        overlaps,
    )

    real, most = test.drawn(len(ours), seed), min(COMPARED, PLACES // (shape.voices * shape.steps))
    held_out, known, many = (
        excerpts(batch.pitch, batch.onset, shape)
        for batch in (real, training.drawn(len(ours), seed), training.drawn(most, seed))
    )
    areas, tracks = overlaps(ours, held_out), test.representation.parts
    return Judged(
        len(ours),
        shape.bars,
        overlap(areas),
        overlap(overlaps(known, held_out)),
        overlap_gap(ours, known, held_out),
        areas,
        by_themselves(ours),
        by_themselves(held_out),
        _nearest(ours, held_out, many),
        {"training": musegan_table(many, tracks), "generated": musegan_table(ours, tracks)},
        _pieces(real, test.representation, shape),
    )


def _nearest(ours: "Excerpts", held_out: "Excerpts", known: "Excerpts") -> dict[str, float]:
    """How near to known segments ours come, and how near the nearest hundredth of others is."""
    import numpy as np

    from ostinato.evaluation.nearness import distances

    others = distances(held_out, known)
    return {
        "generated": float(distances(ours, known).min()),
        "test": float(np.percentile(others, 1)),
    }


def _pieces(batch: "SegmentBatch", representation: "BarGrid", shape: "Shape") -> "list[Piece]":
    from ostinato.models.segments import lines_of
    from ostinato.sampling.segments import tokens_of

    lines = lines_of(batch.pitch, batch.onset, shape.pitches)
    rows = tokens_of(lines, shape, representation)
    return [representation.decode(row) for row in rows]


def _rounded(values: Any) -> Any:
    """Every number, in lists and mappings too, to four places."""
    if isinstance(values, Mapping):
        return {name: _rounded(value) for name, value in values.items()}
    if isinstance(values, list):
        return [_rounded(value) for value in values]
    return round(values, 4) if isinstance(values, float) else values


def _shown(figures: Any) -> str:
    """A figure, or several beside each other."""
    if isinstance(figures, Mapping):
        return ", ".join(f"{name} {_shown(value)}" for name, value in figures.items())
    if isinstance(figures, list):
        return ", ".join(map(_shown, figures))
    return "–" if figures is None else f"{figures:.2f}"

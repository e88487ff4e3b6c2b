"""Originality of a set of samples, beside that of held-out music, after Yin et al. (2022)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ostinato.evaluation.originality.calibration import measure_held_out
from ostinato.evaluation.originality.index import MOST, SEED, build_index
from ostinato.evaluation.originality.measure import (
    Originality,
    measure_excerpts,
    measure_originality,
    typical_quarters,
)
from ostinato.evaluation.originality.threshold import Threshold, calibrate
from ostinato.music.piece import Piece
from ostinato.wording import agree, quantity

IN_SHORT = (4, 8, 12)  # lengths of n-grams in the report and in MLflow
HELD_OUT = 200  # validation and test pieces at most of each: more would tell little more


@dataclass(frozen=True)
class Assessment:
    """Passages that samples share with training pieces, beside those of held-out music as long.

    threshold: None where there was no piece to calibrate on. quarters: the length of the
    held-out excerpts. training, left_out: training pieces that were and were not compared with.
    """

    pieces: Sequence[Piece]
    samples: Sequence[Originality]
    held_out: Sequence[Originality]
    threshold: Threshold | None
    quarters: float
    training: int
    left_out: int = 0

    @property
    def flagged(self) -> list[int]:
        """Return which samples count as copies, the strongest first."""
        if self.threshold is None:
            return []
        order = sorted(range(len(self.samples)), key=lambda n: -self.samples[n].evidence)
        return [number for number in order if self.threshold.flags(self.samples[number])]

    @property
    def held_out_flagged(self) -> int:
        """Return how many held-out excerpts would count as copies."""
        return sum(self.threshold.flags(found) for found in self.held_out) if self.threshold else 0

    def metrics(self) -> dict[str, Any]:
        """Return the figures for metrics.json."""
        sure = self.threshold is not None
        return {
            "samples": len(self.samples),
            "flagged": len(self.flagged) if sure else None,
            "held_out_excerpts": len(self.held_out),
            "held_out_flagged": self.held_out_flagged if sure else None,
            "threshold_bits": round(self.threshold.bits, 2) if self.threshold else None,
            "calibrated_on": self.threshold.pieces if self.threshold else 0,
            "excerpt_quarters": round(self.quarters, 3),
            "training_pieces": self.training,
            "training_pieces_left_out": self.left_out,
            "ngrams_too_common": sum(found.common for found in self.samples),
            **{name: self._both(name) for name in ("notes", "quarters", "cardinality")},
            "known_ngrams": {str(n): self._both(f"known {n}") for n in range(SEED, MOST + 1)},
        }

    def figures(self) -> dict[str, float]:
        """Return the figures for the MLflow run."""
        metrics = self.metrics()
        pairs = {f"longest_{name}": metrics[name] for name in ("notes", "quarters")}
        pairs["cardinality"] = metrics["cardinality"]
        pairs |= {f"known_{n}grams": metrics["known_ngrams"][str(n)] for n in IN_SHORT}
        values = {name: both["generated"] for name, both in pairs.items()}
        values |= {f"held_out_{name}": both["held_out"] for name, both in pairs.items()}
        values |= {"most_notes": metrics["notes"]["generated_max"]}
        values |= {name: metrics[name] for name in ("flagged", "held_out_flagged")}
        return {f"originality/{name}": float(v) for name, v in values.items() if v is not None}

    def rows(self) -> list[tuple[str, str, str]]:
        """Return label, samples and held-out excerpts, as the report shows them."""
        spans = {
            "notes": "longest passage shared with a training piece, notes",
            "quarters": "its length, quarter notes",
            "cardinality": "cardinality score with the nearest training piece",
        }
        rows = [(label, *self._spans(name)) for name, label in spans.items()]
        for n in IN_SHORT:
            both = self._both(f"known {n}")
            cells = [f"{v:.1%}" if v is not None else "–" for v in list(both.values())[::2]]
            rows.append((f"n-grams of {n} notes that training pieces have", cells[0], cells[1]))
        if self.threshold is not None:
            ours, theirs = len(self.flagged), self.held_out_flagged
            counts = (f"{ours} of {len(self.samples)}", f"{theirs} of {len(self.held_out)}")
            rows.append(("flagged as copies", *counts))
        return rows

    def sentences(self) -> list[str]:
        """Return what the figures rest on, and what they leave out."""
        said = [
            f"Compared with {quantity(self.training, 'training piece')}, in any key and octave. "
            f"Held-out music: test pieces cut to {self.quarters:g} quarter notes, the median "
            "length of the samples. A note is a pitch class at an onset: a doubled octave counts "
            "once."
        ]
        if self.left_out:
            said.append(
                f"{quantity(self.left_out, 'training piece')} "
                f"{agree(self.left_out, 'was', 'were')} not compared with "
                "(evaluation.originality_pieces)."
            )
        if self.threshold is None:
            said.append("No piece tells how much real music shares: none is flagged.")
        elif not self.threshold.is_sure:
            said.append(
                f"Only {quantity(self.threshold.pieces, 'real excerpt')} "
                f"{agree(self.threshold.pieces, 'tells', 'tell')} how much real music shares: more "
                "than one real piece in twenty may be flagged."
            )
        common = sum(found.common for found in self.samples)
        if common:
            said.append(
                f"{quantity(common, 'n-gram')} of the samples {agree(common, 'was', 'were')} too "
                "common in training to be looked up."
            )
        return said

    def details(self) -> list[str]:
        """Return in a sentence that the samples copy no more than real music does, where so."""
        if self.threshold is None or self.flagged:
            return []
        longest = max((found.notes for found in self.samples), default=0)
        return [
            "No sample shares more with the training pieces than real music does; the longest "
            f"passage shared has {quantity(longest, 'note')}."
        ]

    def warnings(self) -> list[str]:
        """Return in a sentence how many samples copy, and which does most, where any does."""
        strongest = self.samples[self.flagged[0]] if self.flagged else None
        if strongest is None or (passage := strongest.decisive) is None:
            return []
        count = len(self.flagged)
        held_out = "95 % of held-out music does"
        if self.threshold and not self.threshold.is_sure:
            held_out = f"any of {quantity(self.threshold.pieces, 'real excerpt')} does"
        return [
            f"{count} of {quantity(len(self.samples), 'sample')} {agree(count, 'copies', 'copy')} "
            f"more of a training piece than {held_out}: {strongest.name} shares "
            f"{quantity(passage.notes, 'note')} with {passage.training}."
        ]

    def _values(self, found: Iterable[Originality], name: str) -> list[float]:
        if name.startswith("known "):
            length = int(name.removeprefix("known "))
            return [one.shares[length] for one in found if length in one.shares]
        if name == "cardinality":
            return [one.nearest[1] for one in found]
        return [float(getattr(one, name)) for one in found]

    def _both(self, name: str) -> dict[str, float | None]:
        both: dict[str, float | None] = {}
        for part, found in (("generated", self.samples), ("held_out", self.held_out)):
            values = self._values(found, name)
            both[part] = round(float(np.mean(values)), 4) if values else None
            both[f"{part}_max"] = round(float(np.max(values)), 4) if values else None
        return both

    def _spans(self, name: str) -> tuple[str, str]:
        cells = []
        for found in (self.samples, self.held_out):
            values = self._values(found, name)
            cells.append(f"{np.mean(values):.3g} (at most {np.max(values):.3g})" if values else "–")
        return cells[0], cells[1]


@dataclass(frozen=True)
class Music:
    """Music to compare samples with, by part of the split; pieces are read when iterated over."""

    training: Iterable[Piece]
    validation: Iterable[Piece] = field(default_factory=list)
    test: Iterable[Piece] = field(default_factory=list)
    left_out: int = 0


def assess_originality(samples: Sequence[Piece], music: Music) -> Assessment:
    """Return the originality of samples: an index of the training pieces is built for it.

    The threshold is calibrated on validation pieces, and on training pieces where these are few;
    the control is of test pieces. All are cut to the median length of the samples.
    """
    index = build_index(music.training)
    quarters = typical_quarters(samples)
    real = measure_held_out(index, music.training, music.validation, quarters)
    return Assessment(
        pieces=samples,
        samples=[measure_originality(index, piece) for piece in samples],
        held_out=list(measure_excerpts(index, music.test, quarters)),
        threshold=calibrate(real) if real else None,
        quarters=quarters,
        training=len(index.names),
        left_out=music.left_out,
    )


def spread(names: Sequence[str], most: int) -> list[str]:
    """Return at most so many names, evenly spread over their order."""
    if len(names) <= most:
        return list(names)
    return [names[number * len(names) // most] for number in range(most)]

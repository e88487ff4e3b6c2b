"""Likelihood of the test pieces of several corpora by a model that was trained on one.

After the experiments across data sets of Dong et al., MusPy: A Toolkit for Symbolic Music
Generation (ISMIR 2020), section 5. Figures are by note and by quarter note, which do not depend on
the representation.
"""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ostinato.evaluation.likelihood import PieceLikelihoods, per_unit
from ostinato.representations.base import LOST
from ostinato.wording import agree, quantity

COLUMNS = ("corpus", "name", "nats", "notes", "quarters")
UNFIT = re.compile(r"[^\w\-. ]")  # for the name of a metric in MLflow
COMPARED = ("nats_per_note", "nats_per_quarter")

PieceRow = tuple[str, float, int, float]  # name, nats, notes and quarter notes of a piece


@dataclass(frozen=True)
class LeftOut:
    """The part of a test split that is not scored.

    refused: by piece, why the representation cannot hold it. alike: by piece, a training piece of
    the model that it is like. too_short: pieces that are scored, and in which too few notes stand
    to tell whether they are like another. losses: notes of the scored pieces, and kinds of loss.
    """

    refused: Mapping[str, str] = field(default_factory=dict)
    alike: Mapping[str, str] = field(default_factory=dict)
    too_short: int = 0
    losses: Mapping[str, int] = field(default_factory=dict)

    def table(self) -> dict[str, Any]:
        """Return the counts by name."""
        return {
            "refused": len(self.refused),
            "alike_to_training": len(self.alike),
            "too_short_to_compare": self.too_short,
            "losses": dict(self.losses),
        }

    def sentence(self) -> str:
        """Return what is left out, in words; nothing where all is scored."""
        said = []
        if self.refused:
            [reason, *others] = dict.fromkeys(self.refused.values())
            more = f", and {quantity(len(others), 'more reason')}" if others else ""
            said.append(
                f"{quantity(len(self.refused), 'piece')} that the representation cannot hold "
                f"({reason}{more})"
            )
        if self.alike:
            said.append(
                f"{len(self.alike)} that {agree(len(self.alike), 'is', 'are')} like a "
                "training piece of the model"
            )
        dropped, notes = sum(self.losses.get(kind, 0) for kind in LOST), self.losses.get("notes", 0)
        if dropped:
            said.append(f"{dropped:,} of the {notes:,} notes, which the representation leaves out")
        return " and ".join(said)


@dataclass(frozen=True)
class CorpusScore:
    """Likelihood of the test split of one corpus; `own` is the one that the model is trained on.

    figures: nats by unit, and the counts that they are of; empty where no piece is scored, and
    where a likelihood is no number. rows: the scored pieces.
    """

    corpus: str
    own: bool
    figures: Mapping[str, float]
    rows: Sequence[PieceRow]
    left_out: LeftOut

    @classmethod
    def of(cls, corpus: str, scored: PieceLikelihoods, left_out: LeftOut) -> "CorpusScore":
        """Return the score of another corpus by the likelihoods of its pieces."""
        total = float(scored.nats.sum())
        columns = (scored.names, scored.nats, scored.notes, scored.quarters)
        rows = [
            (name, float(nats), int(notes), float(quarters))
            for name, nats, notes, quarters in zip(*columns, strict=True)
        ]
        if not rows or not math.isfinite(total):
            return cls(corpus, False, {}, [], left_out)
        figures = per_unit(total, scored.counts) | scored.counts.table()
        return cls(corpus, False, figures, rows, left_out)

    def table(self) -> dict[str, Any]:
        """Return the figures for metrics.json."""
        return {"own": self.own, **self.figures, "left_out": self.left_out.table()}


@dataclass(frozen=True)
class CrossCorpus:
    """Scores of a model by corpus, in the order in which they were asked for."""

    scores: Sequence[CorpusScore]

    def metrics(self) -> dict[str, Any]:
        """Return the figures for metrics.json, by corpus."""
        return {score.corpus: score.table() for score in self.scores}

    def figures(self) -> dict[str, float]:
        """Return the figures for the MLflow run: cross_corpus/essen/nats_per_note and its like."""
        figures: dict[str, float] = {}
        for score in self.scores:
            key = f"cross_corpus/{UNFIT.sub('_', score.corpus)}"
            scored = [name for name in (*COMPARED, "pieces") if name in score.figures]
            figures |= {f"{key}/{name}": score.figures[name] for name in scored}
            figures[f"{key}/refused"] = len(score.left_out.refused)
            figures[f"{key}/alike_to_training"] = len(score.left_out.alike)
        return figures

    def report(self) -> dict[str, Any]:
        """Return the figures for cross_corpus.json, with the pieces that are left out by name."""
        return {
            score.corpus: score.table()
            | {"refused": dict(score.left_out.refused), "alike": dict(score.left_out.alike)}
            for score in self.scores
        }

    def pieces_table(self) -> str:
        """Return CSV with a row a scored piece: its corpus, name, nats, notes and quarter notes."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(COLUMNS)
        for score in self.scores:
            for name, nats, notes, quarters in score.rows:
                rows.writerow((score.corpus, name, f"{nats:.6f}", notes, f"{quarters:.6f}"))
        return text.getvalue()

    def sentences(self) -> dict[str, str]:
        """Return a sentence on each corpus: its figures, and what is left out of them."""
        return {f"test split of {score.corpus}": _describe(score) for score in self.scores}


def _describe(score: CorpusScore) -> str:
    left_out = score.left_out.sentence()
    if not score.figures:
        return f"no piece is scored{f'; left out: {left_out}' if left_out else ''}"
    about = "its own corpus, " if score.own else ""
    return (
        f"{score.figures['nats_per_note']:.3f} nats per note, "
        f"{score.figures['nats_per_quarter']:.3f} per quarter note ({about}"
        f"{quantity(int(score.figures['pieces']), 'piece')})"
        + (f"; left out: {left_out}" if left_out else "")
    )


def read_rows(table: str) -> list[PieceRow]:
    """Return the rows of pieces.csv as those of a corpus."""
    return [
        (row["name"], float(row["nats"]), int(row["notes"]), float(row["quarters"]))
        for row in csv.DictReader(io.StringIO(table))
    ]

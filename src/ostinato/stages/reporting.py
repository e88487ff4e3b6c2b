"""Findings of evaluating, put together for report.html."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.stages.provenance import EvaluatedRun, describe_origin, list_settings
from ostinato.stages.sample_files import COMPRESSION, LISTEN
from ostinato.wording import quantity

if TYPE_CHECKING:
    from ostinato.corpora.store import Selection
    from ostinato.data.losses import Losses
    from ostinato.evaluation.cross_corpus import CrossCorpus
    from ostinato.evaluation.distances.assessment import SetAssessment
    from ostinato.evaluation.originality.assessment import Assessment
    from ostinato.evaluation.report import CopiesSection, Report
    from ostinato.evaluation.sets import Comparison
    from ostinato.evaluation.verdict import Verdict
    from ostinato.methods.base import Findings
    from ostinato.music.page import Given, Sample
    from ostinato.music.piece import Piece
    from ostinato.training.monitor import Monitor

PLAYED = 3  # samples in the report


@dataclass(frozen=True)
class EvaluationResult:
    """Content of the report.

    model: what its method measured; monitor: the metric of its curves. generated: the samples that
    have notes, from `folder`; silent: how many have none; cut: how many did not come to an end,
    None where nothing says so. originals: the pieces that they are compared with, and sets what
    that came to; losses: what the representation does not keep of the test pieces. originality:
    what the samples share with the training pieces, which `read_piece` reads by name. cross_corpus:
    the model on the test splits of other corpora; given: of samples, by name, which notes are.
    """

    model: "Findings"
    monitor: "Monitor"
    generated: "Sequence[Piece]"
    folder: Path
    silent: int
    cut: int | None
    originals: "Selection | list[Piece]"
    sets: "SetAssessment"
    losses: "Losses"
    originality: "Assessment | None"
    read_piece: "Callable[[str], Piece]"
    cross_corpus: "CrossCorpus | None" = None
    given: "Mapping[str, Given]" = field(default_factory=dict)

    @property
    def measures(self) -> "Mapping[str, Comparison]":
        """Return the samples against the originals, by piece metric."""
        return self.sets.measures

    def figures(self) -> dict[str, float]:
        """Return the figures for the MLflow run."""
        figures = {**self.model.figures, **self.sets.figures()}
        figures |= self.cross_corpus.figures() if self.cross_corpus else {}
        return figures | (self.originality.figures() if self.originality else {})

    def metrics(self) -> dict[str, Any]:
        """Return the figures for metrics.json."""
        pieces = len(self.generated) + self.silent
        return {
            **self.model.metrics,
            "samples": {"pieces": pieces, "silent": self.silent, "cut": self.cut},
            **self.sets.metrics(),
            "left_out": self.losses.totals(),
            **({"originality": self.originality.metrics()} if self.originality else {}),
            **({"cross_corpus": self.cross_corpus.metrics()} if self.cross_corpus else {}),
        }


def build_report(run: EvaluatedRun, result: EvaluationResult) -> "Report":
    """Return the report of an evaluation, with some of the samples to hear."""
    from ostinato.evaluation import sets
    from ostinato.evaluation.report import Report

    bundle, curves = run.bundle, _curves(run.folder.parent / run.workspace.curves.name)
    chosen, unit = bundle.config["choices"], bundle.representation.unit
    both: dict[str, Iterable[Piece]] = {"generated": result.generated, "test": result.originals}
    samples, rate = _samples(result)
    return Report(
        title=f"{chosen['model']} · {chosen['representation']} · {chosen['corpus']}",
        subtitle=_subtitle(result),
        origin=describe_origin(run, _find_best_epoch(curves, result.monitor.higher)),
        verdict=_verdict(result),
        headlines=result.model.headlines,
        settings=list_settings(run),
        likelihoods=result.model.likelihoods,
        unit=unit,
        samples=samples,
        sample_rate=rate,
        listen=_address(result.folder / LISTEN, run.workspace.evaluation),
        measures=result.measures,
        distances=result.sets.distances,
        values=result.sets.values,
        findings=_findings(result, bundle.representation.name),
        curves=curves,
        curve=result.monitor.label,
        higher=result.monitor.higher,
        degrees={n: sets.degree_histogram(p).tolist() for n, p in both.items()},
        durations={n: sets.duration_histogram(p).tolist() for n, p in both.items()},
        drawn=result.model.charts,
        originality=_originality(result),
        pictures=result.model.rolls,
    )


def _originality(result: EvaluationResult) -> "CopiesSection | None":
    from ostinato.evaluation.originality.pictures import draw_copies
    from ostinato.evaluation.report import CopiesSection

    if (found := result.originality) is None:
        return None
    copies = draw_copies(found, result.read_piece)
    return CopiesSection(found.rows(), found.sentences(), copies, len(found.flagged))


def _findings(result: EvaluationResult, representation: str) -> dict[str, str]:
    sentences = result.losses.sentences(representation)
    lost = {"of the test pieces": "; ".join(sentences)} if sentences else {}
    corpora = result.cross_corpus.sentences() if result.cross_corpus else {}
    return lost | dict(result.model.details) | corpora


def _verdict(result: EvaluationResult) -> "Verdict":
    """Return what the method found, and then the samples."""
    from ostinato.evaluation.verdict import Verdict, judge_samples

    first, pieces = result.model.verdict, len(result.generated) + result.silent
    music = judge_samples(result.measures, result.silent, result.cut, pieces)
    details, warnings = [*first.details, *music.details], [*first.warnings, *music.warnings]
    if result.originality:
        details += result.originality.details()
        warnings += result.originality.warnings()
    return Verdict(first.headline, details, warnings)


def _subtitle(result: EvaluationResult) -> str:
    pieces = quantity(len(result.generated) + result.silent, "generated piece")
    return f"{result.model.subtitle}; {pieces}." if result.model.subtitle else ""


def _samples(result: EvaluationResult) -> "tuple[list[Sample], int]":
    """The first samples with the sound that lies beside them, and its sample rate."""
    from ostinato.music import sound
    from ostinato.music.page import Sample

    samples, rate = [], sound.SAMPLE_RATE
    for number, piece in enumerate(result.generated[:PLAYED], 1):
        file = result.folder / f"{piece.name}.wav"
        if not file.is_file():
            continue
        wave, rate = sound.read_wav(file)
        mp3 = sound.mp3_bytes(wave, rate, COMPRESSION)
        given = result.given.get(piece.name)
        samples.append(Sample(piece.name, piece, {None: mp3}, f"Piece {number}", given=given))
    return samples, rate


def _address(page: Path, folder: Path) -> str:
    """The address of the page of samples from the report's folder; nothing where there is none."""
    return Path(os.path.relpath(page, folder)).as_posix() if page.is_file() else ""


def _find_best_epoch(curves: Iterable[Mapping[str, float]], higher: bool) -> float | None:
    """Return the epoch with the best validation; None without any."""
    rows = [row for row in curves if "validation" in row]
    choose = max if higher else min
    return choose(rows, key=lambda row: row["validation"])["epoch"] if rows else None


def _curves(path: Path) -> list[dict[str, float]]:
    import csv

    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]

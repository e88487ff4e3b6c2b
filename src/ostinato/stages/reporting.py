"""What evaluating found, put together for report.html."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.config import Config
from ostinato.stages.listening import COMPRESSION, LISTEN
from ostinato.stages.scoring import MODEL, Scores
from ostinato.stages.workspace import Workspace
from ostinato.wording import quantity

if TYPE_CHECKING:
    from ostinato.corpora.store import Selection
    from ostinato.data.losses import Losses
    from ostinato.evaluation.report import Report
    from ostinato.evaluation.sets import Comparison
    from ostinato.evaluation.verdict import Verdict
    from ostinato.models.bundle import Bundle
    from ostinato.music.page import Sample
    from ostinato.music.piece import Piece
    from ostinato.stages.judging import Judged

HEARD = 3  # samples in the report


@dataclass(frozen=True)
class Found:
    """What the report is made of.

    generated: the samples that have notes, from `folder`; silent: how many have none; cut: how many
    did not come to an end, None where nothing says so. originals: what they are set against;
    losses: what the representation does not keep of the test pieces.
    """

    generated: "Sequence[Piece]"
    folder: Path
    silent: int
    cut: int | None
    originals: "Selection | list[Piece]"
    measures: "Mapping[str, Comparison]"
    scores: Scores | None
    judged: "Judged | None"
    losses: "Losses"

    def metrics(self) -> dict[str, Any]:
        """Return the figures for metrics.json."""
        compared = {
            name: {
                "generated": round(c.generated.mean, 4),
                "test": round(c.test.mean, 4),
                "overlap": round(c.overlap, 4),
            }
            for name, c in self.measures.items()
        }
        pieces = len(self.generated) + self.silent
        scored = self.scores.metrics() if self.scores else {"test": {}, "baselines": {}}
        return {
            **scored,
            "samples": {"pieces": pieces, "silent": self.silent, "cut": self.cut},
            "measures": compared,
            "left_out": self.losses.totals(),
            **(self.judged.told() if self.judged else {}),
        }

    def summary(self) -> str:
        """Return what was found, in a line."""
        if self.judged:
            return self.judged.summary()
        return self.scores.summary() if self.scores else "no likelihood: no test piece was scored"


def build_report(config: Config, workspace: Workspace, bundle: "Bundle", found: Found) -> "Report":
    """Return the report of what was found, with some of the samples to hear."""
    from ostinato.evaluation import sets
    from ostinato.evaluation.report import Report
    from ostinato.models.adversarial.gan import GAN

    chosen, unit = bundle.config["choices"], bundle.representation.unit
    both: dict[str, Iterable[Piece]] = {"generated": found.generated, "test": found.originals}
    overlapping = isinstance(bundle.network, GAN)
    judged, scores = found.judged, found.scores
    latents = judged.latents if judged else None
    samples, rate = _samples(found)
    return Report(
        title=f"{chosen['model']} · {chosen['representation']} · {chosen['corpus']}",
        subtitle=_subtitle(found, unit),
        verdict=_verdict(config, found),
        settings={k: v for k, v in chosen.items() if v} | {"seed": config["seed"]},
        likelihoods=_by_unit(scores, unit) if scores else {},
        unit=unit,
        samples=samples,
        sample_rate=rate,
        listen=_address(found.folder / LISTEN, workspace.evaluation),
        measures=found.measures,
        findings=_findings(found, bundle.representation.name),
        curves=_curves(workspace.curves),
        curve="overlapping area" if overlapping else "loss, nats",
        higher=overlapping,
        degrees={n: sets.degree_histogram(p).tolist() for n, p in both.items()},
        durations={n: sets.duration_histogram(p).tolist() for n, p in both.items()},
        drawn=latents.drawn if latents else {},
        pictures=latents.rolls if latents else {},
    )


def _findings(found: Found, representation: str) -> dict[str, str]:
    sentences = found.losses.sentences(representation)
    lost = {"of the test pieces": "; ".join(sentences)} if sentences else {}
    return lost | (found.judged.findings() if found.judged else {})


def _verdict(config: Config, found: Found) -> "Verdict":
    """What the likelihoods or the segments come to, and then the samples."""
    from ostinato.evaluation.segments import FEATURES
    from ostinato.evaluation.verdict import (
        Verdict,
        judge_likelihood,
        judge_samples,
        judge_segments,
    )

    first = Verdict("")
    if (scores := found.scores) is not None:
        nats = {name: row["nats_per_note"] for name, row in scores.likelihoods.items()}
        transposed = any(config["evaluation"].get("transpose", ()))
        first = judge_likelihood(nats, scores.advantages, transposed)
    elif (judged := found.judged) is not None:
        kept = judged.latents.figures["reconstruction"]["exact"] if judged.latents else None
        named = len(judged.areas) or len(FEATURES)
        first = judge_segments(judged.area, judged.control, judged.gap, named, kept)
    pieces = len(found.generated) + found.silent
    music = judge_samples(found.measures, found.silent, found.cut, pieces)
    return Verdict(
        first.headline, [*first.details, *music.details], [*first.warnings, *music.warnings]
    )


def _subtitle(found: Found, unit: str) -> str:
    made = len(found.generated) + found.silent
    if found.judged:
        return found.judged.subtitle(made)
    if found.scores is None:
        return ""
    counts = found.scores.counts.table()
    return (
        f"Test split: {quantity(int(counts['pieces']), 'piece')}, {counts[f'{unit}s']:,} {unit}s, "
        f"{counts['notes']:,} notes; {quantity(made, 'generated piece')}."
    )


def _by_unit(scores: Scores, unit: str) -> dict[str, dict[str, float]]:
    words = {
        f"nats_per_{unit}": f"per {unit}",
        "nats_per_note": "per note",
        "nats_per_quarter": "per quarter note",
    }
    rows = sorted(scores.likelihoods.items(), key=lambda row: row[0] != MODEL)
    rows[1:] = sorted(rows[1:], key=lambda row: row[1]["nats_per_note"])  # the best baseline first
    return {name: {words[of]: value for of, value in row.items()} for name, row in rows}


def _samples(found: Found) -> "tuple[list[Sample], int]":
    """The first samples with the sound that lies beside them, and its sample rate."""
    from ostinato.music import sound
    from ostinato.music.page import Sample

    samples, rate = [], sound.SAMPLE_RATE
    for number, piece in enumerate(found.generated[:HEARD], 1):
        file = found.folder / f"{piece.name}.wav"
        if not file.is_file():
            continue
        wave, rate = sound.read_wav(file)
        mp3 = sound.mp3_bytes(wave, rate, COMPRESSION)
        samples.append(Sample(piece.name, piece, {None: mp3}, f"Piece {number}"))
    return samples, rate


def _address(page: Path, folder: Path) -> str:
    """The address of the page of samples from the report's folder; nothing where there is none."""
    return Path(os.path.relpath(page, folder)).as_posix() if page.is_file() else ""


def _curves(path: Path) -> list[dict[str, float]]:
    import csv

    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]

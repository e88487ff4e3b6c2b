"""report.html: what a run reached, in one file; and the same figures as tables for `dvc plots`."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ostinato.evaluation import charts
from ostinato.evaluation.bootstrap import FEWEST
from ostinato.evaluation.distances.comparison import SetDistances
from ostinato.evaluation.distances.rows import describe_sets, distance_rows
from ostinato.evaluation.registry import OTHER, OWN, find_metric
from ostinato.evaluation.sets import DEGREES, DURATIONS, Comparison, Spread
from ostinato.evaluation.small_multiples import HELD_OUT, MOST, SetValues, draw_panels
from ostinato.evaluation.verdict import Headline, Verdict, label_of
from ostinato.files import write_text
from ostinato.music.page import Sample, base64_text, render_template, show_sample

Row = Mapping[str, float | None]
BASELINES = {
    "token": {
        "unigram": "counts tokens; a model should beat it",
        "bigram": "counts pairs of tokens; a model should beat it",
        "ngram": "interpolated Kneser-Ney n-gram; a model should beat it",
        "ppm": "prediction by partial matching, method C; a model should beat it",
    },
    "frame": {
        "unigram": "counts how often each pitch sounds; a model should beat it",
        "bigram": "counts how often after sounding and after silence; a model should beat it",
    },
}


@dataclass(frozen=True)
class Origin:
    """Section of the report on where it comes from.

    asked: what was asked of the run, in sentences; command: runs it again, "" where that is not
    known; remarks: what must be known about the command; identity: seeds, data, weights and code.
    """

    asked: str
    command: str = ""
    remarks: Sequence[str] = ()
    identity: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CopiesSection:
    """Section of the report on what samples share with training pieces.

    rows: label, samples, held-out music; sentences: what they rest on; copies: PNGs of the
    strongest copies, by caption; flagged: how many samples count as copies.
    """

    rows: Sequence[tuple[str, str, str]]
    sentences: Sequence[str]
    copies: Mapping[str, bytes]
    flagged: int


@dataclass(frozen=True)
class Report:
    """Content of `report_page`; what is empty is left out.

    verdict: what a reader should know first. origin: what was asked, and how to run it again.
    headlines: the figures of the method that count; those of samples are added to them.
    likelihoods: for the model and each baseline, by name, the mean negative log-likelihood in nats,
        by unit ("per token", "per note", "per quarter note"). The first row is the model's.
    unit: what the baselines count, token or frame.
    samples: some to hear at once, whose sound has `sample_rate`; `listen`: the address of the page
        with all of them, from the report.
    measures: generated against test, by the names of the piece metrics; distances: between the
        sets, with real music as their control. values: of single pieces, by metric and set.
    curves: rows of `epoch`, `train` and `validation`, by what `curve` says: the losses in nats, or
        something of which `higher` is better.
    degrees, durations: for each set, by name, the shares of `DEGREES`, of `DURATIONS`.
    findings: further figures in words, such as how much is copied.
    originality: what samples share with training pieces.
    drawn: further figures, PNGs by caption; pictures: PNGs of piano-rolls, by name.
    """

    title: str
    subtitle: str = ""
    origin: Origin | None = None
    verdict: Verdict | None = None
    headlines: Sequence[Headline] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    likelihoods: Mapping[str, Row] = field(default_factory=dict)
    unit: str = "token"
    samples: Sequence[Sample] = ()
    sample_rate: int = 22050
    listen: str = ""
    measures: Mapping[str, Comparison] = field(default_factory=dict)
    distances: SetDistances | None = None
    values: SetValues = field(default_factory=dict)
    findings: Mapping[str, object] = field(default_factory=dict)
    curves: Sequence[Row] = ()
    curve: str = "loss, nats"
    higher: bool = False
    degrees: Mapping[str, Sequence[float]] = field(default_factory=dict)
    durations: Mapping[str, Sequence[float]] = field(default_factory=dict)
    originality: CopiesSection | None = None
    drawn: Mapping[str, bytes] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def report_page(report: Report) -> str:
    """Return the report as one HTML file that needs no network; equal reports give equal pages."""
    units = list(dict.fromkeys(unit for row in report.likelihoods.values() for unit in row))
    distances = distance_rows(report.distances) if report.distances else []
    return render_template(
        "evaluation/report.html.jinja",
        report=report,
        headlines=_headlines(report, distances),
        units=units,
        baselines=BASELINES[report.unit],
        likelihoods=[
            (name, [_figure(row.get(unit)) for unit in units])
            for name, row in report.likelihoods.items()
        ],
        samples=[show_sample(sample) for sample in report.samples],
        measures=_measure_groups(report),
        distances=distances,
        distances_rest_on=describe_sets(report.distances) if report.distances else [],
        panels=draw_panels(report.values),
        panel_sets=_count_pieces(report.values),
        most_panels=MOST,
        filled=HELD_OUT,
        figures=_figures(report),
        copies=_encode(report.originality.copies) if report.originality else [],
        pictures=_encode(report.pictures),
    )


def write_plots(report: Report, folder: Path) -> list[Path]:
    """Write the figures as tables for `dvc plots`, and return which.

    curves.csv (epoch, train, validation), pitch_classes.csv (degree, set, share) and durations.csv
    (duration, set, share); all are written, empty ones with their header only.
    """
    curves = [[row.get(name) for name in ("epoch", "train", "validation")] for row in report.curves]
    tables: dict[str, tuple[list[str], Iterable[Sequence[object]]]] = {
        "curves.csv": (["epoch", "train", "validation"], curves),
        "pitch_classes.csv": (
            ["degree", "set", "share"],
            _long(DEGREES, report.degrees),
        ),
        "durations.csv": (["duration", "set", "share"], _long(DURATIONS, report.durations)),
    }
    for name, (header, rows) in tables.items():
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
        write_text(folder / name, text.getvalue())
    return [folder / name for name in tables]


def _headlines(report: Report, distances: Sequence[Mapping[str, Any]]) -> list[Headline]:
    """Return the figures that count: the method's, then those of the samples."""
    found = list(report.headlines)
    for row in distances:
        if row["headline"]:
            words = str(row["description"]).partition(" · ")[0]
            found.append(Headline(row["name"], words, row["value"], row["control"], row["better"]))
    if report.originality and report.originality.rows:
        name, ours, theirs = report.originality.rows[-1]
        found.append(Headline(name, "samples that share too much with one piece", ours, theirs, ""))
    return found


def _count_pieces(values: SetValues) -> list[tuple[str, int]]:
    """Return the sets that metrics were measured of, and of how many pieces at most."""
    counts: dict[str, int] = {}
    for sets in values.values():
        for name, found in sets.items():
            counts[name] = max(counts.get(name, 0), len(found))
    return list(counts.items())


def _figures(report: Report) -> list[tuple[str, str]]:
    """Caption and PNG, in base64, of each figure for which the report has numbers."""
    drawn: list[tuple[str, bytes]] = []
    if report.curves:
        png = charts.learning_curves(report.curves, report.curve, report.higher)
        drawn.append(("Learning curves", png))
    if report.degrees:
        label = "pitch class above the tonic, estimated of each piece"
        png = charts.histogram(DEGREES, report.degrees, label)
        drawn.append(("Pitch classes in the key", png))
    if report.durations:
        png = charts.histogram(DURATIONS, report.durations, "duration, quarter notes")
        drawn.append(("Durations", png))
    drawn += report.drawn.items()
    return _encode(dict(drawn))


def _encode(pictures: Mapping[str, bytes]) -> list[tuple[str, str]]:
    return [(caption, base64_text(png)) for caption, png in pictures.items()]


def _measure_groups(report: Report) -> list[tuple[str, list[dict[str, str]]]]:
    """Return the rows of the table by the group of their metric, in the order of first mention."""
    groups: dict[str, list[dict[str, str]]] = {}
    for name, values in report.measures.items():
        metric = find_metric("piece", name)
        rows = groups.setdefault(metric.group if metric else OTHER, [])
        rows.append(_measure_row(name, values) | {"control": _control(report.distances, name)})
    return list(groups.items())


def _measure_row(name: str, values: Comparison) -> dict[str, str]:
    return {
        "name": label_of(name),
        "description": _describe(name),
        "generated": _spread(values.generated),
        "test": _spread(values.test),
        "overlap": f"{values.overlap:.2f}",
    }


def _control(distances: SetDistances | None, name: str) -> str:
    value = distances.overlaps.get(name) if distances else None
    return "–" if value is None else f"{value:.2f}"


def _describe(name: str) -> str:
    """Return what a piece metric is, its unit, and whose it is where it is not ostinato's own."""
    if (metric := find_metric("piece", name)) is None:
        return ""
    source = "" if metric.source == OWN else f" · {metric.source}"
    return f"{metric.description}, {metric.unit}{source}"


def _spread(spread: Spread) -> str:
    """The mean, and the standard deviation where there are enough pieces to speak of one."""
    digits = 1 if abs(spread.mean) >= 10 else 3
    deviation = f" ± {spread.sd:.{digits}f}" if spread.count >= FEWEST else ""
    return f"{spread.mean:.{digits}f}{deviation}"


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


def _long(classes: Sequence[str], sets: Mapping[str, Sequence[float]]) -> Iterator[list[object]]:
    for name, shares in sets.items():
        for kind, share in zip(classes, shares, strict=True):
            yield [kind, name, round(float(share), 6)]

"""evaluate: likelihood of the test split, measures of the samples, a report on the MLflow run."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.config import Config
from ostinato.errors import UnreadableError, UserError
from ostinato.files import write_json, write_text
from ostinato.folders import check_replaceable, replacing_folder
from ostinato.run_notes import find_run
from ostinato.stages.bundled import model_folder, read_about, samples_folder, with_pieces_of
from ostinato.stages.encoding import need, read_split, token_store
from ostinato.stages.workspace import Workspace

if TYPE_CHECKING:
    from ostinato.corpora.store import Selection
    from ostinato.evaluation.sets import Comparison
    from ostinato.evaluation.settings import Evaluation
    from ostinato.models.bundle import Bundle
    from ostinato.music.piece import Piece
    from ostinato.stages.judging import Judged

READS = ("evaluation",)
FOLDERS = ("model_dir", "samples_dir")
PICTURES = 3  # piano-rolls in the report


def run(config: Config, workspace: Workspace) -> None:
    """Write metrics.json, pieces.csv, tables for plots and report.html, in one step."""
    from ostinato.corpora.store import PieceStore
    from ostinato.evaluation.report import report_page, write_plots
    from ostinato.models.bundle import bundle_fingerprint, load_bundle

    check_replaceable(workspace.evaluation, "evaluation")
    folder = model_folder(config, workspace)
    bundle = load_bundle(folder, config.plugins)
    workspace = with_pieces_of(folder, workspace)
    pieces = PieceStore(need(workspace.pieces, "preprocess"))
    originals: Selection | list[Piece] = pieces.only(read_split(workspace)["test"])
    samples = samples_folder(config, workspace)
    about = read_about(samples, folder)
    generated = _samples(samples)
    judged = _judged(config, workspace, bundle)
    if judged is not None:
        originals = judged.pieces
    likelihoods, counts, scored = _likelihoods(config, workspace, bundle)
    measures = _compare(generated, originals)
    cut = about.get("cut_pieces")  # none where nothing beside the samples says so
    report = _report(
        config, workspace, bundle, likelihoods, counts, measures, generated, originals, cut, judged
    )
    metrics = _metrics(likelihoods, counts, measures, generated, cut)
    metrics |= judged.told() if judged else {}
    with replacing_folder(workspace.evaluation, "evaluation") as part:
        write_json(part / "metrics.json", metrics)
        if scored:
            write_text(part / "pieces.csv", scored)
        write_plots(report, part / "plots")
        write_text(part / "report.html", report_page(report))
    console.say(judged.summary() if judged else _summary(likelihoods, counts))
    console.say(f"the report is {console.where(workspace.evaluation / 'report.html')}")
    fingerprint = bundle_fingerprint(folder)
    mlflow_run = find_run(config.build("tracking"), workspace.home, folder, fingerprint)
    flat = {f"test_{k}": v for k, v in likelihoods.get("model", {}).items()}
    flat |= {f"generated/{name}": c.generated.mean for name, c in measures.items()}
    flat |= {f"overlap/{name}": c.overlap for name, c in measures.items()}
    flat |= judged.flat() if judged else {}
    mlflow_run.metrics(flat)
    mlflow_run.artifacts(workspace.evaluation, "evaluation")


def _judged(config: Config, workspace: Workspace, bundle: "Bundle") -> "Judged | None":
    """What is measured of the segments of a segment model."""
    from ostinato.models.segments import SegmentModel
    from ostinato.stages.judging import judge_segments

    if not isinstance(bundle.network, SegmentModel):
        return None
    return judge_segments(config, workspace, bundle)


def _samples(folder: Path) -> list["Piece"]:
    from ostinato.music.reading import read_midi

    pieces = []
    for path in sorted(need(folder, "generate").glob("*.mid")):
        try:
            pieces.append(read_midi(path))
        except UnreadableError:
            console.warn(f"{path} has no notes and is not measured.")
    if not pieces:
        raise UserError(f"{folder} holds no music to measure: run `ostinato generate`.")
    return pieces


def _likelihoods(
    config: Config, workspace: Workspace, bundle: "Bundle"
) -> tuple[dict[str, dict[str, float]], dict[str, float], str]:
    """Nats per token or frame, note and quarter note of the test pieces, by model and baselines.

    Also what they were divided by, and a table of what the model made of each piece.
    """
    from ostinato.evaluation.baselines import baseline_nll
    from ostinato.evaluation.likelihood import count, nll_of_pieces, per_unit, table_of_pieces
    from ostinato.models.segments import SegmentModel
    from ostinato.models.sequence import SequenceModel
    from ostinato.representations.base import FrameRepresentation, TokenRepresentation

    if isinstance(bundle.network, SegmentModel):
        return {}, {}, ""
    settings: Evaluation = config.build("evaluation")
    store = token_store(bundle.config, workspace, bundle.representation)
    split = read_split(workspace)
    training, test = store.indices(split["train"]), store.indices(split["test"])
    if not len(test):
        console.warn("no test piece can be scored: the report has no likelihood.")
        return {}, {}, ""
    network, representation = bundle.network, bundle.representation
    known = (TokenRepresentation, FrameRepresentation)
    if not (isinstance(network, SequenceModel) and isinstance(representation, known)):
        raise TypeError(f"no likelihood is known for {type(network).__name__}")
    if any(settings.transpose) and not representation.transposes:
        raise UserError(
            f"evaluation.transpose={list(settings.transpose)} does not fit: {representation.name} "
            "cannot be transposed as it is set; say evaluation.transpose=[0,0]."
        )
    nats = nll_of_pieces(
        network, store, test, settings.batch_size, representation, settings.transpose
    )
    counted = baseline_nll(store, training, test, representation.size, settings.smoothing)
    totals = {"model": float(nats.sum()), **counted}
    counts = count(store, test, representation)
    likelihoods = {name: per_unit(total, counts) for name, total in totals.items()}
    return likelihoods, counts.table(), table_of_pieces(store, test, nats, counts.unit)


def _compare(
    generated: Sequence["Piece"], originals: "Selection | list[Piece]"
) -> "Mapping[str, Comparison]":
    from ostinato.evaluation.measures import measure
    from ostinato.evaluation.sets import compare

    if not len(originals):
        return {}
    total = len(generated) + len(originals)
    pieces = itertools.chain(generated, originals)
    measured = list(console.track(map(measure, pieces), "measuring", total, "pieces"))
    return compare(measured[: len(generated)], measured[len(generated) :])


def _metrics(
    likelihoods: Mapping[str, Mapping[str, float]],
    counts: Mapping[str, Any],
    measures: "Mapping[str, Comparison]",
    generated: Sequence["Piece"],
    cut: int | None,
) -> dict[str, Any]:
    compared = {
        name: {
            "generated": round(c.generated.mean, 4),
            "test": round(c.test.mean, 4),
            "overlap": round(c.overlap, 4),
        }
        for name, c in measures.items()
    }
    silent = sum(not len(piece.notes) for piece in generated)
    return {
        "test": {**likelihoods.get("model", {}), **counts},
        "baselines": {k: v for k, v in likelihoods.items() if k != "model"},
        "samples": {"pieces": len(generated), "silent": silent, "cut": cut},
        "measures": compared,
    }


def _report(
    config: Config,
    workspace: Workspace,
    bundle: "Bundle",
    likelihoods: Mapping[str, Mapping[str, float]],
    counts: Mapping[str, Any],
    measures: "Mapping[str, Comparison]",
    generated: Sequence["Piece"],
    originals: "Selection | list[Piece]",
    cut: int | None,
    judged: "Judged | None",
) -> Any:
    from ostinato.evaluation import sets
    from ostinato.evaluation.report import Report
    from ostinato.models.adversarial.gan import GAN
    from ostinato.music.picture import piano_roll

    chosen = bundle.config["choices"]
    both: dict[str, Iterable[Piece]] = {"generated": generated, "test": originals}
    unit = bundle.representation.unit
    units = {f"nats_per_{unit}": f"per {unit}", "nats_per_note": "per note"}
    units["nats_per_quarter"] = "per quarter note"
    subtitle = (
        (
            f"Test split: {counts['pieces']} pieces, {counts[f'{unit}s']} {unit}s, "
            f"{counts['notes']} notes; {len(generated)} generated pieces."
        )
        if counts
        else ""
    )
    overlapping = isinstance(bundle.network, GAN)
    latents = judged.latents if judged else None
    samples = {piece.name: piano_roll(piece) for piece in generated[:PICTURES]}
    findings = {"cut at the longest length allowed": f"{cut} of {len(generated)}"} if cut else {}
    return Report(
        title=f"{chosen['model']} · {chosen['representation']} · {chosen['corpus']}",
        subtitle=judged.subtitle(len(generated)) if judged else subtitle,
        settings={k: v for k, v in chosen.items() if v} | {"seed": config["seed"]},
        likelihoods={
            name: {units[unit]: value for unit, value in row.items()}
            for name, row in likelihoods.items()
        },
        unit=unit,
        measures=measures,
        findings=findings | (judged.findings() if judged else {}),
        curves=_curves(workspace.curves),
        curve="overlapping area" if overlapping else "loss, nats",
        higher=overlapping,
        pitch_classes={n: sets.pitch_class_histogram(p).tolist() for n, p in both.items()},
        durations={n: sets.duration_histogram(p).tolist() for n, p in both.items()},
        drawn=latents.drawn if latents else {},
        pictures=samples | dict(latents.rolls if latents else {}),
    )


def _curves(path: Path) -> list[dict[str, float]]:
    import csv

    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]


def _summary(likelihoods: Mapping[str, Mapping[str, float]], counts: Mapping[str, Any]) -> str:
    if not likelihoods:
        return "no likelihood: no test piece could be scored"
    rows = ", ".join(f"{name} {row['nats_per_note']:.3f}" for name, row in likelihoods.items())
    return f"test negative log-likelihood, nats per note over {counts['notes']} notes: {rows}"

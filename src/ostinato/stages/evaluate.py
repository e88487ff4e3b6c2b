"""evaluate: likelihood of the test split, measures of the samples, a report on the MLflow run."""

import itertools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato import console
from ostinato.config import Config
from ostinato.config.targets import import_plugins
from ostinato.errors import UnreadableError
from ostinato.files import write_json, write_text
from ostinato.folders import atomic_folder, check_replaceable
from ostinato.methods.base import EvaluationTask, Method
from ostinato.run_notes import find_run
from ostinato.stages.bundled import model_folder, read_about, samples_folder, with_pieces_of
from ostinato.stages.encoding import need, read_split, token_store
from ostinato.stages.reporting import Found, build_report
from ostinato.stages.workspace import Workspace

if TYPE_CHECKING:
    from ostinato.corpora.store import Selection
    from ostinato.evaluation.sets import Comparison
    from ostinato.models.bundle import Bundle
    from ostinato.music.piece import Piece

READS = ("evaluation", "plugins")
FOLDERS = ("model_dir", "samples_dir")


def run(config: Config, workspace: Workspace) -> None:
    """Write metrics.json, pieces.csv, tables for plots and report.html, in one step."""
    from ostinato.evaluation.report import report_page, write_plots
    from ostinato.models.bundle import bundle_fingerprint, load_bundle

    import_plugins(config.plugins)  # they may register metrics
    check_replaceable(workspace.evaluation, "evaluation")
    folder = model_folder(config, workspace)
    bundle = load_bundle(folder, config.plugins)
    workspace = with_pieces_of(folder, config, workspace)
    found = _find(config, workspace, bundle, folder)
    report = build_report(config, workspace, bundle, found)
    with atomic_folder(workspace.evaluation, "evaluation") as part:
        write_json(part / "metrics.json", found.metrics())
        if found.model.table:
            write_text(part / "pieces.csv", found.model.table)
        write_plots(report, part / "plots")
        write_text(part / "report.html", report_page(report))
    console.say(found.model.summary)
    for warning in report.verdict.warnings if report.verdict else ():
        console.warn(warning)
    console.say(f"the report is {console.where(workspace.evaluation / 'report.html')}")
    fingerprint = bundle_fingerprint(folder)
    mlflow_run = find_run(config.build("tracking"), workspace.home, folder, fingerprint)
    mlflow_run.metrics(_flat(found))
    mlflow_run.artifacts(workspace.evaluation, "evaluation")


def _find(config: Config, workspace: Workspace, bundle: "Bundle", folder: Path) -> Found:
    """Read the samples and the test pieces, and measure them."""
    from ostinato.corpora.store import PieceStore

    pieces = PieceStore(need(workspace.pieces, "preprocess"))
    split = read_split(workspace)
    samples = samples_folder(config, workspace)
    about = read_about(samples, folder)
    generated, silent = _samples(samples)
    store = token_store(bundle.config, workspace, bundle.representation)
    method: Method = bundle.config.build("method")
    findings = method.evaluate(EvaluationTask(config, bundle, store, pieces, split))
    originals: Selection | list[Piece] = pieces.only(split["test"])
    if findings.originals is not None:
        originals = findings.originals
    return Found(
        model=findings,
        monitor=method.monitor(bundle.representation.unit),
        generated=generated,
        folder=samples,
        silent=silent,
        cut=about.get("cut_pieces"),  # none where nothing beside the samples says so
        originals=originals,
        measures=_compare(generated, originals),
        losses=store.losses.only(store.indices(split["test"])),
    )


def _samples(folder: Path) -> "tuple[list[Piece], int]":
    """The samples that have notes, and how many have none."""
    from ostinato.music.reading import read_midi

    pieces: list[Piece] = []
    paths = sorted(folder.glob("*.mid"))
    for path in paths:
        with suppress(UnreadableError):  # it has no notes, which generating has warned of
            pieces.append(read_midi(path))
    if not pieces:
        missing = "no piece with notes" if paths else "no music"
        console.warn(
            f"{console.where(folder)} holds {missing}, so that samples are not measured: "
            "`ostinato generate` makes some."
        )
    return pieces, len(paths) - len(pieces)


def _compare(
    generated: Sequence["Piece"], originals: "Selection | list[Piece]"
) -> "Mapping[str, Comparison]":
    from ostinato.evaluation.measures import measure
    from ostinato.evaluation.sets import compare

    if not len(originals) or not generated:
        return {}
    total = len(generated) + len(originals)
    pieces = itertools.chain(generated, originals)
    measured = list(console.track(map(measure, pieces), "measuring", total, "pieces"))
    return compare(measured[: len(generated)], measured[len(generated) :])


def _flat(found: Found) -> dict[str, float]:
    """The figures for the MLflow run."""
    flat = dict(found.model.figures)
    flat |= {f"generated/{name}": c.generated.mean for name, c in found.measures.items()}
    return flat | {f"overlap/{name}": c.overlap for name, c in found.measures.items()}

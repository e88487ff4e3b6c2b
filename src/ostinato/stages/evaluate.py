"""evaluate: likelihood of the test split, measures of the samples, a report on the MLflow run."""

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
from ostinato.stages.bundle_config import (
    use_pieces_of_bundle,
)
from ostinato.stages.cross_corpus import OwnTest, score_corpora
from ostinato.stages.encoding import require, token_store
from ostinato.stages.novelty import comparison_music
from ostinato.stages.preflight import check_corpora, check_music_of_corpora
from ostinato.stages.provenance import EvaluatedRun
from ostinato.stages.reporting import EvaluationResult, build_report
from ostinato.stages.sample_files import read_given
from ostinato.stages.workspace import Workspace, model_folder, samples_folder

if TYPE_CHECKING:
    from ostinato.corpora.store import PieceStore, Selection
    from ostinato.evaluation.originality.assessment import Assessment
    from ostinato.evaluation.settings import Evaluation
    from ostinato.music.piece import Piece

READS = ("evaluation", "plugins")
FOLDERS = ("model_dir", "samples_dir")
REPORT, ORIGINALITY = "report.html", "originality.csv"
CROSS_CORPUS = ("cross_corpus.json", "cross_corpus.csv")


def run(config: Config, workspace: Workspace) -> None:
    """Write metrics.json, tables and report.html, in one step."""
    from ostinato.evaluation.originality.table import write_table
    from ostinato.evaluation.report import report_page, write_plots
    from ostinato.models.bundle import load_bundle

    import_plugins(config.plugins)  # they may register metrics
    check_replaceable(workspace.evaluation, "evaluation")
    folder = model_folder(config, workspace)
    bundle = load_bundle(folder, config.plugins)
    check_corpora(config, bundle.config)
    check_music_of_corpora(config, workspace)
    workspace = use_pieces_of_bundle(folder, config, workspace)
    evaluated = EvaluatedRun(config, workspace, folder, bundle)
    result = _measure(evaluated)
    report = build_report(evaluated, result)
    with atomic_folder(workspace.evaluation, "evaluation") as part:
        write_json(part / "metrics.json", result.metrics())
        if result.model.table:
            write_text(part / "pieces.csv", result.model.table)
        if result.cross_corpus:
            write_json(part / CROSS_CORPUS[0], result.cross_corpus.report())
            write_text(part / CROSS_CORPUS[1], result.cross_corpus.pieces_table())
        if result.originality:
            write_text(part / ORIGINALITY, write_table(result.originality))
        write_plots(report, part / "plots")
        write_text(part / REPORT, report_page(report))
    console.say(result.model.summary)
    for warning in report.verdict.warnings if report.verdict else ():
        console.warn(warning)
    console.say(f"the report is {console.where(workspace.evaluation / REPORT)}")
    mlflow_run = find_run(config.build("tracking"), workspace.home, folder, evaluated.bundle_hash)
    mlflow_run.metrics(result.figures())
    mlflow_run.artifacts(workspace.evaluation, "evaluation")
    mlflow_run.artifacts(workspace.evaluation / REPORT, "")  # where MLflow compares runs


def _measure(evaluated: EvaluatedRun) -> EvaluationResult:
    """Read the samples and the test pieces, and measure them."""
    from ostinato.corpora.store import PieceStore
    from ostinato.evaluation.distances.assessment import CONTROL_PIECES, assess_sets

    config, workspace, bundle = evaluated.config, evaluated.workspace, evaluated.bundle
    pieces = PieceStore(require(workspace.pieces, "preprocess"))
    split, about = evaluated.split, evaluated.samples
    samples = samples_folder(config, workspace)
    generated, silent = _read_samples(samples)
    store = token_store(bundle.config, workspace, bundle.representation)
    method: Method = bundle.config.build("method")
    task = EvaluationTask(config, bundle, store, pieces, split)
    findings = method.evaluate(task)
    originals: Mapping[str, Selection | list[Piece]] = findings.originals or {
        "test": pieces.only(split["test"]),
        "train": pieces.only(spread_names(split["train"], CONTROL_PIECES)),
    }
    return EvaluationResult(
        model=findings,
        monitor=method.monitor(bundle.representation.unit),
        generated=generated,
        folder=samples,
        silent=silent,
        cut=about.get("cut_pieces"),  # none where nothing beside the samples says so
        originals=originals["test"],
        sets=assess_sets(generated, originals["test"], originals["train"]),
        losses=store.losses.only(store.indices(split["test"])),
        originality=_assess(config, pieces, split, generated),
        cross_corpus=score_corpora(config, workspace, OwnTest(task, findings)),
        read_piece=pieces.read,
        given=read_given(about, generated),
    )


def _assess(
    config: Config, pieces: "PieceStore", split: Mapping[str, list[str]], generated: "list[Piece]"
) -> "Assessment | None":
    """Return what the samples share with training pieces; None where nothing is to be compared."""
    from ostinato.evaluation.originality.assessment import assess_originality

    settings: Evaluation = config.build("evaluation")
    if not settings.originality_pieces or not generated:
        return None
    music = comparison_music(pieces, split, settings.originality_pieces)
    return assess_originality(generated, music)


def spread_names(names: Sequence[str], most: int) -> list[str]:
    """Return at most so many names, evenly spread."""
    count = min(len(names), most)
    return [names[number * len(names) // count] for number in range(count)]


def _read_samples(folder: Path) -> "tuple[list[Piece], int]":
    """Return the samples that have notes, and how many have none."""
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

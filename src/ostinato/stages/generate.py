"""generate: a bundle -> pieces as MIDI, sound and pictures, on the model's MLflow run."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.config import Config
from ostinato.errors import UserError
from ostinato.files import write_json
from ostinato.folders import atomic_folder, check_replaceable
from ostinato.methods.base import TEST, Method, Samples, SamplingTask
from ostinato.run_notes import find_run
from ostinato.stages.bundle_config import (
    ABOUT,
    MODEL,
    use_pieces_of_bundle,
)
from ostinato.stages.encoding import read_split, require
from ostinato.stages.novelty import comparison_music, keep_most_original, replace_copies
from ostinato.stages.piece_cache import locate_pieces
from ostinato.stages.result_hashes import hash_samples
from ostinato.stages.run_root import record_samples
from ostinato.stages.sample_files import LISTEN, choose_reference, note_given, write_samples
from ostinato.stages.workspace import Workspace, model_folder, samples_folder
from ostinato.tracking import SAMPLES_TAG
from ostinato.wording import quantity

if TYPE_CHECKING:
    from ostinato.evaluation.originality.assessment import Music
    from ostinato.models.bundle import Bundle
    from ostinato.music.piece import Piece
    from ostinato.sampling.settings import Sampling

READS = ("sampling", "seed")
FOLDERS = ("model_dir", "samples_dir")


def run(config: Config, workspace: Workspace) -> None:
    """Sample new pieces and write them, in one step."""
    from ostinato.models.bundle import bundle_fingerprint, load_bundle

    sampling: Sampling = config.build("sampling")
    folder, samples = model_folder(config, workspace), samples_folder(config, workspace)
    check_replaceable(samples, "samples", "samples_dir" if config["samples_dir"] else "")
    bundle = load_bundle(folder, config.plugins)
    if TEST in (sampling.prompt, *sampling.conditions):
        workspace = use_pieces_of_bundle(folder, config, workspace)
    method: Method = bundle.config.build("method")
    task = SamplingTask(bundle, sampling, config["seed"], lambda: test_pieces(workspace))
    sampled, replaced = _draw(method, task, config, workspace)
    pieces = [sample.piece for sample in sampled.samples]
    ends = [sample.ended for sample in sampled.samples if sample.ended is not None]
    cut = ends.count(False)
    about = _about(config, sampling, bundle, method) | ({"cut_pieces": cut} if ends else {})
    about |= replaced
    trained_with = _trained_with(config, workspace)
    candidates = [] if trained_with is None else test_pieces(trained_with)
    real = choose_reference(bundle, candidates, pieces, sampled.continued)
    fingerprint = bundle_fingerprint(folder)
    with atomic_folder(samples, "samples") as part:
        write_samples(sampled.samples, real, sampling, about, part)
        write_json(part / ABOUT, about | note_given(sampled.samples) | {MODEL: fingerprint})
    if cut:
        console.say(
            f"{cut} of {quantity(len(pieces), 'piece')} did not end within {4 * sampling.max_bars} "
            f"quarter notes (sampling.max_bars={sampling.max_bars})"
        )
    console.say(f"{quantity(len(pieces), 'piece')}; listen in {console.where(samples / LISTEN)}")
    mlflow_run = find_run(config.build("tracking"), workspace.home, folder, fingerprint)
    mlflow_run.artifacts(samples, "samples")
    record_samples(mlflow_run, samples, LISTEN)
    if config["samples_dir"] is None:  # others are drawn from a model afterwards
        mlflow_run.tags({SAMPLES_TAG: hash_samples(samples)})


def _draw(
    method: Method, task: SamplingTask, config: Config, workspace: Workspace
) -> tuple[Samples, dict[str, int]]:
    """Return samples, chosen and drawn anew as settings say, and counts for people."""
    from ostinato.sampling.settings import NOVEL

    sampling = task.settings
    if not sampling.novelty and sampling.choose != NOVEL:
        return method.sample(task), {}
    music = _training_music(sampling, config, workspace)

    def draw(seed: int) -> Samples:
        if sampling.choose != NOVEL:
            return method.sample(replace(task, seed=seed))
        one = replace(sampling, candidates=1, choose="typical")
        return keep_most_original(
            lambda seed: method.sample(replace(task, seed=seed, settings=one)),
            sampling.candidates,
            seed,
            music,
        )

    sampled = draw(task.seed)
    if not sampling.novelty:
        return sampled, {}
    return replace_copies(sampled, draw, sampling.novelty, task.seed, music)


def _training_music(sampling: "Sampling", config: Config, workspace: Workspace) -> "Music":
    """Return the pieces that the model was trained on, and those held out; raises `UserError`."""
    from ostinato.corpora.store import PieceStore
    from ostinato.sampling.settings import NOVEL

    trained_with = _trained_with(config, workspace)
    if trained_with is None:
        named, instead = f"novelty={sampling.novelty}", "novelty=0"
        if sampling.choose == NOVEL:
            named, instead = f"choose={NOVEL}", "choose=typical"
        raise UserError(
            f"sampling.{named} needs the pieces that the model was trained on, and they are not at "
            f"hand: set sampling.{instead}."
        )
    pieces = PieceStore(require(trained_with.pieces, "preprocess"))
    return comparison_music(pieces, read_split(trained_with))


def test_pieces(workspace: Workspace) -> "Iterable[Piece]":
    """Return the pieces of the test split."""
    from ostinato.corpora.store import PieceStore

    return PieceStore(require(workspace.pieces, "preprocess")).only(read_split(workspace)[TEST])


def _about(
    config: Config, sampling: "Sampling", bundle: "Bundle", method: Method
) -> dict[str, Any]:
    """Return how the samples were drawn: what has an effect."""
    chosen = bundle.config["choices"]
    drawn_by = Config({**bundle.config.tree, "sampling": config["sampling"]}, config.plugins)
    idle = {"_target_", "control", *(key.partition(".")[2] for key in method.unread(drawn_by))}
    if sampling.prompt is None:
        idle.add("prompt_bars")
    if not sampling.control.shares:
        idle.add("guidance")
    if sampling.candidates == 1:
        idle.add("choose")
    if not sampling.novelty:
        idle.add("novelty")
    if sampling.repetition_penalty == 1.0:
        idle |= {"repetition_penalty", "repetition_window"}
    shown = {k: v for k, v in config["sampling"].items() if k not in idle and v is not None}
    shown |= {f"control_{name}": list(bars) for name, bars in sampling.control.shares.items()}
    return {
        "model": chosen["model"],
        "representation": chosen["representation"],
        "corpus": chosen["corpus"],
        "seed": config["seed"],
        **shown,
    }


def _trained_with(config: Config, workspace: Workspace) -> Workspace | None:
    """Return the workspace with the split and the pieces that the model was trained with.

    None where it is not known which these are, or where they are not at hand: another project's.
    """
    from ostinato.corpora.store import INDEX

    folder = model_folder(config, workspace).resolve()
    if folder == workspace.model.resolve():
        return workspace
    of_run, split = folder.parent / "config.yaml", folder.parent / "split.json"
    if not (of_run.is_file() and split.is_file()):
        return None
    pieces = locate_pieces(Config.load(of_run), workspace)
    if not (pieces / INDEX).exists():
        return None
    return replace(workspace, shared_pieces=pieces, shared_split=split)

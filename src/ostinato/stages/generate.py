"""generate: a bundle -> pieces as MIDI, sound and pictures, on the model's MLflow run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.config import Config
from ostinato.errors import UnencodableError, UserError
from ostinato.files import write_json
from ostinato.folders import atomic_folder, check_replaceable
from ostinato.run_notes import find_run
from ostinato.stages.bundled import ABOUT, MODEL, model_folder, samples_folder, with_pieces_of
from ostinato.stages.given import TEST, first_bars, given_segments, read_piece, test_pieces
from ostinato.stages.listening import (
    LISTEN,
    Composition,
    choose_real,
    find_given,
    write_samples,
)
from ostinato.stages.shared import shared_pieces
from ostinato.stages.workspace import Workspace
from ostinato.wording import quantity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ostinato.data.segments import SegmentBatch
    from ostinato.models.bundle import Bundle
    from ostinato.music.page import Given
    from ostinato.music.piece import Piece
    from ostinato.sampling.sequence import Composed
    from ostinato.sampling.settings import Sampling

READS = ("sampling", "seed")
FOLDERS = ("model_dir", "samples_dir")


def run(config: Config, workspace: Workspace) -> None:
    """Compose new pieces and write them, in one step."""
    from ostinato.models.bundle import bundle_fingerprint, load_bundle

    sampling: Sampling = config.build("sampling")
    folder, samples = model_folder(config, workspace), samples_folder(config, workspace)
    check_replaceable(samples, "samples", "samples_dir" if config["samples_dir"] else "")
    bundle = load_bundle(folder, config.plugins)
    if TEST in (sampling.prompt, *sampling.given):
        workspace = with_pieces_of(folder, config, workspace)
    prompts = _prompts(sampling, bundle, workspace)
    given = given_segments(sampling, bundle, workspace)
    drawn = _compose(bundle, sampling, config["seed"], prompts, given)
    representation, ends = bundle.representation, _ends(bundle)
    pieces = [
        _dressed(bundle, representation.decode(row, f"sample-{i:02d}"), prompts, i - 1)
        for i, (row, _) in enumerate(drawn, 1)
    ]
    composed = [
        Composition(piece, ended if ends else None, _given(bundle, sampling, prompts, i))
        for i, (piece, (_, ended)) in enumerate(zip(pieces, drawn, strict=True))
    ]
    cut = sum(not ended for _, ended in drawn)
    about = _about(config, sampling, bundle) | {"cut_pieces": cut}
    named = prompts[0].name if prompts and sampling.prompt == TEST else None
    real = choose_real(bundle, _trained_with(config, workspace), pieces, named)
    with atomic_folder(samples, "samples") as part:
        write_samples(composed, real, sampling, about, part)
        write_json(part / ABOUT, about | {MODEL: bundle_fingerprint(folder)})
    if cut and ends:
        console.say(
            f"{cut} of {quantity(len(pieces), 'piece')} did not end within {4 * sampling.max_bars} "
            f"quarter notes (sampling.max_bars={sampling.max_bars})"
        )
    console.say(f"{quantity(len(pieces), 'piece')}; listen in {console.where(samples / LISTEN)}")
    fingerprint = bundle_fingerprint(folder)
    mlflow_run = find_run(config.build("tracking"), workspace.home, folder, fingerprint)
    mlflow_run.artifacts(samples, "samples")


def _compose(
    bundle: "Bundle",
    sampling: "Sampling",
    seed: int,
    prompts: Sequence["Piece"],
    given: "SegmentBatch | None",
) -> "list[Composed]":
    from ostinato.models.segments import SegmentModel
    from ostinato.models.sequence import SequenceModel
    from ostinato.representations.bar_grid import BarGrid, TokenBarGrid
    from ostinato.representations.base import FrameRepresentation, TokenRepresentation
    from ostinato.sampling.frames import compose_frames
    from ostinato.sampling.given import compose_to
    from ostinato.sampling.segments import compose_segments
    from ostinato.sampling.sequence import compose

    network, representation = bundle.network, bundle.representation
    encoded = [_encoded(bundle, prompt) for prompt in prompts]
    if isinstance(network, SegmentModel) and network.known is None:
        assert isinstance(representation, BarGrid)
        return compose_segments(network, representation, sampling, seed, given)
    if isinstance(network, SegmentModel) and isinstance(representation, TokenBarGrid):
        return compose_to(network, representation, sampling, seed, encoded)
    if isinstance(network, SequenceModel) and isinstance(representation, TokenRepresentation):
        return compose(network, representation, sampling, seed, encoded)
    if isinstance(network, SequenceModel) and isinstance(representation, FrameRepresentation):
        return compose_frames(network, representation, sampling, seed, encoded)
    raise TypeError(f"no way to sample from {type(network).__name__} on {representation.name}")


def _encoded(bundle: "Bundle", prompt: "Piece") -> "NDArray[np.integer[Any]]":
    """A prompt as its model takes it; raises `UnencodableError` where it cannot be taken."""
    from ostinato.models.segments import SegmentModel
    from ostinato.representations.bar_grid import TokenBarGrid
    from ostinato.sampling.given import prompt_of

    network, representation = bundle.network, bundle.representation
    if isinstance(network, SegmentModel) and isinstance(representation, TokenBarGrid):
        return prompt_of(network, representation, prompt)
    return representation.encode(prompt)


def _prompts(sampling: "Sampling", bundle: "Bundle", workspace: Workspace) -> list["Piece"]:
    """The beginnings that the pieces continue; none where they begin from nothing."""
    from ostinato.models.segments import SegmentModel

    model, network = bundle.config["choices"]["model"], bundle.network
    made_to = isinstance(network, SegmentModel) and network.known is not None
    if isinstance(network, SegmentModel) and not made_to:
        if sampling.prompt is not None:
            raise UserError(
                f"sampling.prompt={sampling.prompt} does not fit: model={model} makes whole "
                "segments and continues none."
            )
        return []
    if sampling.steps is not None:
        raise UserError(
            f"sampling.steps={sampling.steps} does not fit: model={model} makes no segments from "
            "nothing between which there is a way."
        )
    if sampling.prompt is None:
        if made_to:
            raise UserError(
                f"model={model} makes music to what is given: give it some, sampling.prompt=test "
                "or sampling.prompt=my.mid."
            )
        if bundle.representation.kind == "tokens" and bundle.representation.end is None:
            raise UserError(
                "this model has no token for the beginning of a piece: give it one to continue, "
                "sampling.prompt=test or sampling.prompt=my.mid."
            )
        return []
    from_test = sampling.prompt == TEST
    pieces = test_pieces(workspace) if from_test else [read_piece(sampling.prompt, "prompt")]
    prompts = []
    for piece in pieces:
        prompt = first_bars(piece, sampling.prompt_bars)
        try:
            _encoded(bundle, prompt)
        except UnencodableError as error:
            if not from_test:
                raise UserError(
                    f"{console.where(Path(sampling.prompt))} cannot be a prompt: as "
                    f"{bundle.representation.name} the piece {error}."
                ) from error
            continue
        prompts.append(prompt)
        if len(prompts) == sampling.pieces:
            break
    if not prompts:
        raise UserError(
            f"no piece of the test split can be a prompt as {bundle.representation.name}: give a "
            "MIDI file, sampling.prompt=my.mid."
        )
    return prompts


def _dressed(bundle: "Bundle", piece: "Piece", prompts: Sequence["Piece"], i: int) -> "Piece":
    """The piece at its own tempo, that of its prompt, or else that of the training pieces.

    It begins with its first note, but for segments, which are of so many bars.
    """
    from ostinato.models.segments import SegmentModel
    from ostinato.music.barlines import begin_at_first_note

    network = bundle.network
    setting = bundle.setting
    if prompts and len((prompt := prompts[i % len(prompts)]).tempos):
        setting = replace(setting, qpm=float(prompt.tempos["qpm"][0]))
    dressed = setting.apply_to(piece, bundle.representation.keeps)
    is_segment = isinstance(network, SegmentModel) and network.known is None
    return dressed if is_segment else begin_at_first_note(dressed)


def _about(config: Config, sampling: "Sampling", bundle: "Bundle") -> dict[str, Any]:
    from ostinato.models.segments import SegmentModel
    from ostinato.models.sequence import SequenceModel

    chosen, network = bundle.config["choices"], bundle.network
    idle = {"_target_"}
    if isinstance(network, SequenceModel) and not network.head.one_of_many:
        idle |= {"top_k", "top_p"}
    if isinstance(network, SegmentModel):
        idle |= {"temperature", "top_k", "top_p"} | (
            {"max_bars"} if network.known is None else set()
        )
        idle |= {"repetition_penalty", "repetition_window"}
    if bundle.representation.kind == "frames":
        idle |= {"repetition_penalty", "repetition_window"}
    if sampling.prompt is None:
        idle.add("prompt_bars")
    if sampling.repetition_penalty == 1.0:
        idle |= {"repetition_penalty", "repetition_window"}
    shown = {k: v for k, v in config["sampling"].items() if k not in idle and v is not None}
    return {
        "model": chosen["model"],
        "representation": chosen["representation"],
        "corpus": chosen["corpus"],
        "seed": config["seed"],
        **shown,
    }


def _ends(bundle: "Bundle") -> bool:
    """Whether a piece can come to an end of its own."""
    from ostinato.models.sequence import SequenceModel

    return isinstance(bundle.network, SequenceModel) and bundle.representation.end is not None


def _given(
    bundle: "Bundle", sampling: "Sampling", prompts: Sequence["Piece"], i: int
) -> "Given | None":
    prompt = prompts[i % len(prompts)] if prompts else None
    named = sampling.prompt if prompt is not None else next(iter(sampling.given), None)
    if named == TEST:
        which = "a piece" if prompt is None else prompt.name
        return find_given(bundle, sampling, prompt, f"{which} of the test split")
    return find_given(bundle, sampling, prompt, Path(named).name if named else "")


def _trained_with(config: Config, workspace: Workspace) -> Workspace | None:
    """The workspace with the split that the model was trained with; None where it is not known."""
    folder = model_folder(config, workspace).resolve()
    if folder == workspace.model.resolve():
        return workspace
    of_run, split = folder.parent / "config.yaml", folder.parent / "split.json"
    if not (of_run.is_file() and split.is_file()):
        return None
    pieces = shared_pieces(Config.load(of_run), workspace)
    return replace(workspace, shared_pieces=pieces, shared_split=split)

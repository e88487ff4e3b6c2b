"""Sampling from sequence models."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ostinato.errors import UserError
from ostinato.methods.base import Sample, Samples, SamplingTask
from ostinato.models.bundle import Bundle
from ostinato.music.barlines import begin_at_first_note
from ostinato.music.page import Given
from ostinato.music.piece import Piece
from ostinato.sampling.frames import sample_frames
from ostinato.sampling.prompts import TEST, Prompt, describe_source, find_prompts
from ostinato.sampling.sequence import Composed, compose
from ostinato.sampling.settings import Sampling


def sample(task: SamplingTask) -> Samples:
    """Return sequences that are drawn step by step, each after its prompt or from nothing.

    Raises `UserError` for a model that needs a prompt and has none, and for a prompt that cannot be
    used.
    """
    bundle, settings = task.bundle, task.settings
    prompts: list[Prompt] = []
    if settings.prompt is not None:
        representation = bundle.representation

        def encode(beginning: Piece, end: int) -> Any:
            return representation.with_silence(representation.encode(beginning), beginning, end)

        prompts = find_prompts(settings, task.test_pieces, encode, representation)
    elif bundle.representation.kind == "tokens" and bundle.representation.end is None:
        raise UserError(
            "this model has no token for the beginning of a piece: give it one to continue, "
            "sampling.prompt=test or sampling.prompt=my.mid."
        )
    ends = bundle.representation.end is not None
    samples = []
    for i, drawn in enumerate(_draw(task, prompts)):
        prompt = prompts[i % len(prompts)] if prompts else None
        piece = bundle.representation.decode(drawn.steps, f"sample-{i + 1:02d}")
        given = _given(bundle, prompt, settings) if prompt else None
        finished = _finish(bundle, piece, prompt.piece if prompt else None)
        samples.append(Sample(finished, drawn.ended if ends else None, given))
    return Samples(samples, prompts[0].piece.name if prompts and settings.prompt == TEST else None)


def _draw(task: SamplingTask, prompts: Sequence[Prompt]) -> list[Composed]:
    network: Any = task.bundle.network
    representation: Any = task.bundle.representation
    steps = [prompt.steps for prompt in prompts]
    if representation.kind == "frames":
        return sample_frames(network, representation, task.settings, task.seed, steps)

    def watch(tokens: Any) -> None:
        piece = representation.decode(tokens, "sample-01")
        assert task.watch is not None
        task.watch(_finish(task.bundle, piece, prompts[0].piece if prompts else None))

    watched = None if task.watch is None else watch
    return compose(network, representation, task.settings, task.seed, steps, watched)


def _given(bundle: Bundle, prompt: Prompt, settings: Sampling) -> Given:
    """Return how many ticks its prompt lasts; new pieces begin with their first note."""
    piece = bundle.representation.decode(prompt.steps)
    source = describe_source(settings, prompt.piece)
    return Given(source, piece.end - int(piece.notes["onset"].min(initial=piece.end)))


def _finish(bundle: Bundle, piece: Piece, prompt: Piece | None) -> Piece:
    """Give a piece the tempo of its prompt, or else what training pieces have."""
    setting = bundle.setting
    if prompt is not None and len(prompt.tempos):
        setting = replace(setting, qpm=float(prompt.tempos["qpm"][0]))
    return begin_at_first_note(setting.apply_to(piece, bundle.representation.preserves))

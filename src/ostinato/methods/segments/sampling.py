"""Sampling from segment models."""

from dataclasses import replace
from typing import Any

from ostinato.errors import UserError
from ostinato.methods.base import Sample, Samples, SamplingTask
from ostinato.models.bundle import Bundle
from ostinato.music.barlines import begin_at_first_note
from ostinato.music.page import Given
from ostinato.music.piece import Piece
from ostinato.representations.voice_roll import VoiceRoll
from ostinato.sampling.conditioning import encode_prompt, sample_with_prompts
from ostinato.sampling.prompts import TEST, describe_source, find_prompts
from ostinato.sampling.segments import compose_segments
from ostinato.sampling.sequence import Composed


def sample(task: SamplingTask, conditions: VoiceRoll | None, given: Given | None) -> Samples:
    """Return segments from noise, or of the segments `conditions`; `given` says what is not new."""
    network: Any = task.bundle.network
    representation: Any = task.bundle.representation
    drawn = compose_segments(network, representation, task.settings, task.seed, conditions)
    pieces = [_decode(task.bundle, one, i, None) for i, one in enumerate(drawn)]
    return Samples([Sample(piece, None, given) for piece in pieces])


def sample_to(task: SamplingTask) -> Samples:
    """Return pieces that are made to prompts: to their last bars, or to one of their voices.

    Raises `UserError` where there is no prompt, and for one that cannot be used.
    """
    bundle, settings = task.bundle, task.settings
    network: Any = bundle.network
    representation: Any = bundle.representation
    if settings.prompt is None:
        raise UserError(
            f"model={bundle.config['choices']['model']} makes music to what is given: give it "
            "some, sampling.prompt=test or sampling.prompt=my.mid."
        )

    def encode(prompt: Piece, end: int) -> Any:
        return encode_prompt(network, representation, prompt, end)

    prompts = find_prompts(settings, task.test_pieces, encode, representation)
    steps = [prompt.steps for prompt in prompts]
    drawn = sample_with_prompts(network, representation, settings, task.seed, steps)
    samples = []
    for i, one in enumerate(drawn):
        prompt = prompts[i % len(prompts)]
        given = _given(bundle, prompt.steps, describe_source(settings, prompt.piece))
        samples.append(Sample(_decode(bundle, one, i, prompt.piece), None, given))
    return Samples(samples, prompts[0].piece.name if settings.prompt == TEST else None)


def _given(bundle: Bundle, steps: Any, source: str) -> Given:
    """Return which bars, or which tracks, of a new piece are those of its prompt."""
    network: Any = bundle.network
    representation: Any = bundle.representation
    if not network.given_bars:
        mask = network.condition_mask.all(dim=1).tolist()
        parts = enumerate(representation.parts)
        return Given(source, tracks=frozenset(n for n, part in parts if all(mask[part])))
    piece = representation.decode(steps)
    return Given(source, piece.end - int(piece.notes["onset"].min(initial=piece.end)))


def _decode(bundle: Bundle, drawn: Composed, i: int, prompt: Piece | None) -> Piece:
    """Return a new piece at the tempo of its prompt, or else that of the training pieces.

    One that was made to a prompt begins with its first note; segments have so many bars.
    """
    piece = bundle.representation.decode(drawn.steps, f"sample-{i + 1:02d}")
    setting = bundle.setting
    if prompt is not None and len(prompt.tempos):
        setting = replace(setting, qpm=float(prompt.tempos["qpm"][0]))
    finished = setting.apply_to(piece, bundle.representation.preserves)
    return finished if prompt is None else begin_at_first_note(finished)

"""A sequence model is an input, a backbone and a head."""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from ostinato.models.backbone import Backbone
from ostinato.models.heads.base import Head
from ostinato.models.inputs import Input
from ostinato.models.network import Network
from ostinato.models.steps import SequenceSpec, take_rows
from ostinato.models.voices import VoiceParts
from ostinato.models.voices.controls import BarControls


class SequenceModel(Network):
    """Predicts each step from those before it.

    `input` and `head` serve where steps are tokens, `frame_input` and `frame_head` where they are
    frames; a model without the latter takes tokens alone. `voices`, where it is given, serves
    interleaved voices in place of `input` and `head`, with the backbone within its own. Raises
    `ValueError` where the parts for the kind of `spec` are missing.
    """

    parts: ClassVar[dict[str, tuple[str, str]]] = {
        "tokens": ("input", "head"),
        "frames": ("frame_input", "frame_head"),
    }
    """By the kind of steps, which of the constructor's parts serve for it."""

    def __init__(
        self,
        input: Callable[..., Input],
        backbone: Callable[..., Backbone],
        head: Callable[..., Head],
        frame_input: Callable[..., Input] | None = None,
        frame_head: Callable[..., Head] | None = None,
        voices: VoiceParts | None = None,
        *,
        spec: SequenceSpec,
    ) -> None:
        super().__init__()
        first: Callable[..., Input] | None = input
        last: Callable[..., Head] | None = head
        if spec.kind == "frames":
            first, last = frame_input, frame_head
        elif spec.layout == "voices" and voices is not None:
            first, last = voices.input, voices.head
            backbone = partial(voices.backbone, outer=backbone, period=spec.voices_per_step)
        if first is None or last is None:
            raise ValueError("it has no frame_input or no frame_head, and so takes tokens alone.")
        self.spec = spec
        self.input = first(spec=spec)
        self.backbone = backbone(input_size=self.input.output_size)
        if self.backbone.period not in (1, spec.voices_per_step):
            raise ValueError(
                f"backbone.period={self.backbone.period} does not fit: it should be "
                f"{spec.voices_per_step}, the number of voices."
            )
        self.head = last(input_size=self.backbone.output_size, spec=spec)
        sizes = (self.input.output_size, self.backbone.output_size)
        self.controls = _build_controls(voices, *sizes, spec)

    def forward(
        self,
        steps: Tensor,
        positions: Tensor,
        semitones: Tensor | None = None,
        state: Any = None,
        levels: Tensor | None = None,
    ) -> tuple[Tensor, Any]:
        """Return the context of each next step, and the state after the last.

        steps: (batch, time) tokens or (batch, time, width) frames; positions: (batch, time,
        features) of the steps that follow; semitones: (batch,), how far each sequence was
        transposed, None for not at all; levels: (batch, time, names) of `controls`, None for
        unknown. The context is (batch, time, …), for a softmax the logits;
        given the state, the next call continues the sequences.
        """
        of_backbone, of_head = (None, None) if state is None else state
        x = self.input(steps, positions, semitones)
        if levels is None or self.controls is None:
            y, of_backbone = self.backbone(x, of_backbone)
        else:
            to_input, to_output = self.controls(levels, positions)
            y, of_backbone = self.backbone(x + to_input, of_backbone)
            y = y + to_output
        context, of_head = self.head(y, steps, positions, of_head)
        return context, (of_backbone, of_head)

    def select(self, state: Any, rows: Tensor) -> Any:
        """Return the state of the sequences numbered `rows`, (batch,) int64, which may repeat."""
        of_backbone, of_head = state
        return self.backbone.select(of_backbone, rows), take_rows(of_head, rows)

    def nll(
        self,
        steps: Tensor,
        positions: Tensor,
        targets: Tensor,
        semitones: Tensor | None = None,
        levels: Tensor | None = None,
    ) -> Tensor:
        """Return the negative log-likelihood of each target in nats, 0 where it is IGNORED.

        targets: as the steps, each the one after a step. Returns (batch, time).
        """
        context, _ = self(steps, positions, semitones, levels=levels)
        return self.head.nll(context, targets)

    @torch.no_grad()
    def score(
        self,
        steps: Tensor,
        positions: Tensor,
        targets: Tensor,
        semitones: Tensor | None = None,
        chunk: int = 1024,
    ) -> Tensor:
        """Return what `nll` does, of sequences of any length, with memory for `chunk` steps.

        The sequences are scored `chunk` steps at a time, with the state carried on.
        """
        parts, state = [], None
        for start in range(0, steps.shape[1], chunk):
            part = slice(start, start + chunk)
            context, state = self(steps[:, part], positions[:, part], semitones, state)
            parts.append(self.head.nll(context, targets[:, part]))
        return torch.cat(parts, dim=1)


def _build_controls(
    voices: VoiceParts | None, input_size: int, output_size: int, spec: SequenceSpec
) -> BarControls | None:
    """Return the controls that are asked for, where steps are interleaved voices."""
    if voices is None or voices.controls is None or spec.layout != "voices":
        return None
    controls = voices.controls(input_size=input_size, output_size=output_size, spec=spec)
    return controls if controls.names else None

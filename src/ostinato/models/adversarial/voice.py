"""Voices of generators: choices that gradients pass, and a voice that is decoded by them."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ostinato.models.adversarial.conditioning import VoiceCondition
from ostinato.models.segments import OneHotRoll, SegmentSpec


@dataclass(frozen=True)
class Relaxation:
    """Relaxation of choices in training: straight-through Gumbel-softmax.

    temperature: of the soft choices that gradients pass; noise_scale: how much of their noise is
    added, 1 to draw by the odds, 0 to choose the likeliest.

    Source: Jang, Gu and Poole, Categorical Reparameterization with Gumbel-Softmax (ICLR 2017).
    """

    temperature: float
    noise_scale: float = 1.0


class VoiceDecoder(nn.Module):
    """Decodes one voice from features of steps: what it may begin, and where it begins it."""

    def __init__(
        self,
        size: int,
        head_size: int,
        spec: SegmentSpec,
        leap_penalty: float,
        offbeat_bias: float,
    ) -> None:
        super().__init__()
        self.hidden = nn.Conv1d(size, head_size, 3, padding=1)
        self.choose = nn.Conv1d(head_size, spec.pitches + 1, 1)
        self.begin = nn.Conv1d(head_size, 1, 1)
        self.leap_scores: Tensor
        leap_scores = compute_leap_scores(spec.pitches, leap_penalty)
        self.register_buffer("leap_scores", leap_scores, persistent=False)
        self.offbeat_bias: Tensor
        self.register_buffer("offbeat_bias", offbeat_bias * mask_offbeats(spec), persistent=False)

    def forward(
        self,
        x: Tensor,
        harmony: Tensor,
        relaxation: Relaxation | None,
        condition: VoiceCondition | None,
    ) -> OneHotRoll:
        """Return the voice, as `decode_voice` does, of features (batch, size, steps).

        harmony: (batch, choices, steps), scores of each choice that all voices share.
        """
        hidden = nn.functional.leaky_relu(self.hidden(x), 0.2)
        begin = self.begin(hidden)[:, 0]  # (batch, steps)
        begins = gumbel_sigmoid(begin if relaxation else begin + self.offbeat_bias, relaxation)
        logits = self.choose(hidden) + harmony
        return decode_voice(logits, begins, self.leap_scores, relaxation, condition)


def mask_offbeats(spec: SegmentSpec) -> Tensor:
    """Return 1 at steps at which no eighth note of the bar begins: (steps,)."""
    twice = 2 * (torch.arange(spec.steps) % spec.bar_steps)
    return (twice % (spec.beat_steps or 1) > 0).to(torch.get_default_dtype())


def compute_leap_scores(pitches: int, leap_penalty: float) -> Tensor:
    """Return what is added to each choice after another: (choices, choices), silence last.

    Nothing is added to silence or after it.
    """
    each = torch.arange(pitches)
    semitones = (each - each[:, None]).abs()
    return nn.functional.pad(-leap_penalty * semitones, (0, 1, 0, 1))


def decode_voice(
    logits: Tensor,
    begins: Tensor,
    leap_scores: Tensor,
    relaxation: Relaxation | None,
    condition: VoiceCondition | None = None,
) -> OneHotRoll:
    """Return a voice that chooses where something begins, and holds its choice until the next.

    logits: (batch, choices, steps), silence last; begins: (batch, steps); leap_scores: (choices,
    choices), as `compute_leap_scores` gives them, used where the likeliest is chosen. Returns sound
    (batch, choices, steps) and onset (batch, steps). The first step begins in any case. What the
    condition gives is taken as it is.
    """
    begins = torch.cat([torch.ones_like(begins[:, :1]), begins[:, 1:]], dim=1)
    given = [False] * logits.shape[-1] if condition is None else condition.mask.tolist()
    if condition is not None:
        begins = torch.where(condition.mask, condition.onset, begins)
    choices: list[Tensor] = []  # of each step, (batch, choices)
    sounds: list[Tensor] = []  # the choice, or what was held: (batch, choices)
    for step, is_given in enumerate(given):
        if is_given and condition is not None:
            choices.append(condition.sound[..., step])
            sounds.append(choices[-1])
            continue
        scores = logits[..., step]
        if step and relaxation is None:
            # the row of what sounded last, of each segment: (batch, choices)
            scores = penalise_leaps(scores, leap_scores[sounds[-1].argmax(dim=1)])
        choices.append(gumbel_softmax(scores, relaxation))
        new = begins[:, step, None]
        sounds.append(new * choices[-1] + (1 - new) * sounds[-1] if step else choices[-1])
    # where silence was chosen no note begins
    silent = torch.stack([choice[:, -1] for choice in choices], dim=1)
    return OneHotRoll(torch.stack(sounds, dim=-1), begins * (1 - silent))


def penalise_leaps(scores: Tensor, leap_scores: Tensor) -> Tensor:
    """Return scores (batch, choices) that favour near pitches; silence is chosen as it was before.

    leap_scores: the same shape, what is added to each pitch.
    """
    silent = scores.argmax(dim=1, keepdim=True) == scores.shape[1] - 1
    pitches = (scores + leap_scores)[:, :-1]
    # silence is put above all pitches where it was the likeliest, and below them where not
    silence = torch.where(silent, pitches.amax(dim=1, keepdim=True) + 1, -torch.inf)
    return torch.cat([pitches, silence], dim=1)


def gumbel_softmax(logits: Tensor, relaxation: Relaxation | None) -> Tensor:
    """Return one-hot choices along dimension 1, drawn straight-through, or the likeliest."""
    if relaxation is None:
        return _one_hot_argmax(logits)
    noise = -(-torch.rand_like(logits).clamp(min=1e-20).log()).log()
    soft = ((logits + relaxation.noise_scale * noise) / relaxation.temperature).softmax(dim=1)
    # the value is one-hot, the gradient that of the soft choice
    return _one_hot_argmax(soft) + (soft - soft.detach())


def gumbel_sigmoid(logits: Tensor, relaxation: Relaxation | None) -> Tensor:
    """Return 1 or 0, drawn straight-through, or the likelier: `gumbel_softmax` of two choices."""
    if relaxation is None:
        return (logits > 0).to(logits.dtype)
    noise = torch.logit(torch.rand_like(logits), eps=1e-6)
    soft = ((logits + relaxation.noise_scale * noise) / relaxation.temperature).sigmoid()
    return (soft > 0.5).to(soft.dtype) + (soft - soft.detach())


def _one_hot_argmax(scores: Tensor) -> Tensor:
    return torch.zeros_like(scores).scatter_(1, scores.argmax(dim=1, keepdim=True), 1.0)

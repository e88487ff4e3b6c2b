"""Decoding strategies: temperature, top-k and nucleus sampling, a penalty for repetitions."""

import torch
from torch import Tensor

from ostinato.errors import UserError
from ostinato.sampling.settings import Sampling


class Sampler:
    """Draws for a head, as the settings say, by one generator: `models.heads.base.Sampler`.

    legal, recent, notes: as in `probabilities`; without them everything that a head offers may
    come, and it says itself which classes are notes.
    """

    def __init__(
        self,
        settings: Sampling,
        generator: torch.Generator,
        legal: Tensor | None = None,
        recent: Tensor | None = None,
        notes: Tensor | None = None,
    ) -> None:
        self.settings, self.generator = settings, generator
        self.legal, self.recent, self.notes = legal, recent, notes

    def categorical(self, logits: Tensor, notes: Tensor | None = None) -> Tensor:
        """Draw one class of each row by temperature, top-k and nucleus: (batch,)."""
        device, logits = logits.device, check_logits(logits).float().cpu()
        legal = logits > -torch.inf if self.legal is None else self.legal
        notes = self.notes if notes is None else notes.cpu()
        shares = probabilities(logits, legal, self.recent, self.settings, notes)
        return torch.multinomial(shares, 1, generator=self.generator)[:, 0].to(device)

    def bernoulli(self, logits: Tensor) -> Tensor:
        """Draw 0 or 1 for each logit by itself, by temperature alone: int64."""
        shares = torch.sigmoid(check_logits(logits).double().cpu() / self.settings.temperature)
        return torch.bernoulli(shares, generator=self.generator).long().to(logits.device)


def probabilities(
    logits: Tensor,
    legal: Tensor,
    recent: Tensor | None,
    settings: Sampling,
    notes: Tensor | None = None,
) -> Tensor:
    """Return the distribution of the next token: (batch, vocabulary), summing to 1.

    logits: (batch, vocabulary) of the model; legal: (batch, vocabulary) bool, tokens that may come;
    recent: (batch, vocabulary) bool, notes just played, None where there are none; notes:
    (vocabulary,) bool, tokens that begin a note. Illegal tokens get 0. Whether a note begins is
    drawn by `temperature`, `top_k` and `top_p` alone; which note it is, by `pitch_temperature` and
    `pitch_top_p` as well.
    """
    if recent is not None and settings.repetition_penalty != 1.0:
        logits = logits - recent * float(torch.tensor(settings.repetition_penalty).log())
    logits = (logits.double() / settings.temperature).masked_fill(~legal, -torch.inf)
    if settings.top_k is not None:
        logits = keep_top_k(logits, settings.top_k)
    if settings.top_p is not None:
        logits = keep_top_p(logits, settings.top_p)
    shares = torch.softmax(logits, dim=-1)
    if notes is None or (settings.pitch_temperature == 1.0 and settings.pitch_top_p is None):
        return shares
    of_notes = (logits / settings.pitch_temperature).masked_fill(~notes, -torch.inf)
    if settings.pitch_top_p is not None:
        of_notes = keep_top_p(of_notes, settings.pitch_top_p)
    # where no note may come, there is nothing to share out
    which = torch.softmax(of_notes, dim=-1).nan_to_num(0.0)
    total = shares.masked_fill(~notes, 0.0).sum(-1, keepdim=True)
    return torch.where(notes, total * which, shares)


def check_logits(logits: Tensor) -> Tensor:
    """Return the logits; raises `UserError` where nothing can be drawn by them."""
    if not bool((logits < torch.inf).all()):  # which is false of what is no number, too
        raise UserError(
            "nothing can be drawn from this model: its probabilities are no numbers, as its "
            "weights are too large; train it again with a lower learning rate."
        )
    return logits


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Leave the k likeliest tokens of each row (Fan et al. 2018)."""
    least = logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]
    return logits.masked_fill(logits < least, -torch.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Leave the nucleus: the fewest likeliest tokens that make up p (Holtzman et al. 2020)."""
    ordered, order = logits.sort(dim=-1, descending=True, stable=True)
    shares = torch.softmax(ordered, dim=-1)
    outside = shares.cumsum(-1) - shares >= p
    return logits.masked_fill(outside.scatter(-1, order, outside), -torch.inf)

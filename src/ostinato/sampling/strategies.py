"""Turning logits into the distribution that is drawn from."""

import torch
from torch import Tensor

from ostinato.sampling.settings import Sampling


def probabilities(logits: Tensor, legal: Tensor, recent: Tensor, settings: Sampling) -> Tensor:
    """The distribution of the next token: (batch, vocabulary), summing to 1.

    logits: (batch, vocabulary) of the model; legal: (batch, vocabulary) bool, tokens that may come;
    recent: (batch, vocabulary) bool, notes just played. Illegal tokens get 0.
    """
    if settings.repetition_penalty != 1.0:
        logits = logits - recent * float(torch.tensor(settings.repetition_penalty).log())
    logits = (logits.double() / settings.temperature).masked_fill(~legal, -torch.inf)
    if settings.top_k is not None:
        logits = keep_top_k(logits, settings.top_k)
    if settings.top_p is not None:
        logits = keep_top_p(logits, settings.top_p)
    return torch.softmax(logits, dim=-1)


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Leave the k likeliest tokens of each row (Fan et al. 2018)."""
    least = logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]
    return logits.masked_fill(logits < least, -torch.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Leave the nucleus: the fewest likeliest tokens that make up p (Holtzman et al. 2020)."""
    ordered, order = logits.sort(dim=-1, descending=True, stable=True)
    shares = torch.softmax(ordered, dim=-1)
    outside = shares.cumsum(-1) - shares >= p
    return logits.masked_fill(outside.gather(-1, order.argsort(-1)), -torch.inf)

"""Decoding strategies: temperature, top-k, min-p, nucleus sampling, a penalty for repetitions."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.errors import UserError
from ostinato.sampling.settings import Sampling

ALMOST_ONE = 1 - 1e-12  # so that a uniform number does not round up to 1
NUCLEUS = 48  # tokens that are looked at first: of most rows, the nucleus has fewer
LEAST = np.float32(1e-30)  # what a sum of probabilities is at least divided by
INFINITY, HALF = np.float32(np.inf), np.float32(0.5)
SMALLEST = np.finfo(np.float32).min

Rows = NDArray[np.float32]
"""(batch, classes)"""


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
        device, logits = logits.device, logits.cpu()
        legal = logits > -torch.inf if self.legal is None else self.legal
        notes = self.notes if notes is None else notes.cpu()
        shares = probabilities(logits, legal, self.recent, self.settings, notes)
        return draw_rows(shares, self.generator).to(device)

    def bernoulli(self, logits: Tensor) -> Tensor:
        """Draw 0 or 1 for each logit by itself, by temperature alone: int64."""
        shares = torch.sigmoid(check_logits(logits).double().cpu() / self.settings.temperature)
        return torch.bernoulli(shares, generator=self.generator).long().to(logits.device)


def draw_rows(shares: Tensor, generator: torch.Generator) -> Tensor:
    """Draw one class of each row (batch, classes) of probabilities: (batch,) int64.

    By the inverse of the cumulative distribution, with one uniform number for each row. Raises
    `UserError` for a row that is 0 throughout.
    """
    uniform = torch.rand(len(shares), dtype=torch.float64, generator=generator).numpy()
    cumulative = shares.cumsum(1).numpy()  # several times as fast as that of NumPy
    if not cumulative[:, -1].all():
        raise UserError(
            "nothing can be drawn from this model: it gives every token that may come next "
            "probability 0; train it again with a lower learning rate."
        )
    reached = np.minimum(uniform, ALMOST_ONE) * cumulative[:, -1]
    # the first class beyond what was reached: one without probability adds nothing to the sum
    return torch.from_numpy((cumulative > reached[:, None]).argmax(axis=1))


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
    drawn by `temperature`, `top_k`, `min_p` and `top_p` alone; which note it is, by
    `pitch_temperature` and `pitch_top_p` as well. It is computed by NumPy, whose calls cost least
    where there are few rows.
    """
    x = logits.detach().float().numpy()
    check_largest(x.max())
    if recent is not None and settings.repetition_penalty != 1.0:
        x = x - recent.numpy() * np.float32(math.log(settings.repetition_penalty))
    if settings.temperature != 1.0:
        x = x / np.float32(settings.temperature)
    x = _keep(x, legal.numpy())
    if settings.top_k is not None:
        x = keep_top_k(x, settings.top_k)
    shares = _softmax(x)
    if settings.min_p is not None:
        shares = keep_min_p(shares, settings.min_p)
    if settings.top_p is not None:
        shares = keep_top_p(shares, settings.top_p)
    columns = np.flatnonzero([] if notes is None else notes.numpy())
    if not len(columns) or (settings.pitch_temperature == 1.0 and settings.pitch_top_p is None):
        return torch.from_numpy(shares)
    # of a range of tokens a view, which is several times as fast as a copy
    first, last = int(columns[0]), int(columns[-1])
    of_notes = slice(first, last + 1) if last - first + 1 == len(columns) else columns
    total = shares[:, of_notes].sum(axis=1, keepdims=True)
    # those that min_p and top_p have left out stay so
    left = _keep(x[:, of_notes], shares[:, of_notes] > 0)
    left /= np.float32(settings.pitch_temperature)
    which = _softmax(left)
    if settings.pitch_top_p is not None:
        which = keep_top_p(which, settings.pitch_top_p)
    shares[:, of_notes] = total * which
    return torch.from_numpy(shares)


def _keep(x: Rows, kept: NDArray[np.bool_]) -> Rows:
    """Return x where it is kept, and -inf elsewhere.

    By a minimum: `np.where` branches, and is many times as slow on an irregular mask.
    """
    bounds = np.subtract(kept, HALF, dtype=np.float32)
    bounds *= INFINITY
    least: Rows = np.minimum(x, bounds, out=bounds)
    return least


def _softmax(x: Rows) -> Rows:
    """Return the softmax of each row, 0 throughout a row that is -inf throughout."""
    largest = x.max(axis=1, keepdims=True)
    shares: Rows = np.exp(x - np.maximum(largest, SMALLEST))
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), LEAST)
    return shares


def check_logits(logits: Tensor) -> Tensor:
    """Return the logits; raises `UserError` where nothing can be drawn by them."""
    check_largest(float(logits.max()))
    return logits


def check_largest(logit: float) -> None:
    """Raise `UserError` where nothing can be drawn by logits of which this is the largest."""
    if not logit < math.inf:  # which is false of what is no number, too
        raise UserError(
            "nothing can be drawn from this model: its probabilities are no numbers, as its "
            "weights are too large; train it again with a lower learning rate."
        )


def keep_top_k(logits: Rows, k: int) -> Rows:
    """Leave the k likeliest tokens of each row (Fan et al. 2018), and those as likely."""
    if k >= logits.shape[1]:
        return logits
    least = np.partition(logits, -k, axis=1)[:, -k, None]
    return _keep(logits, logits >= least)


def keep_min_p(shares: Rows, p: float) -> Rows:
    """Leave tokens whose probability is at least p times the largest (Nguyen et al. 2024).

    shares: probabilities. "Turning Up the Heat: Min-p Sampling for Creative and Coherent LLM
    Outputs".
    """
    least = np.float32(p) * shares.max(axis=1, keepdims=True)
    kept: Rows = shares * (shares >= least)
    kept /= np.maximum(kept.sum(axis=1, keepdims=True), LEAST)
    return kept


def keep_top_p(shares: Rows, p: float) -> Rows:
    """Leave the nucleus: the fewest likeliest tokens that make up p (Holtzman et al. 2020).

    shares: probabilities. Tokens that are as likely as the last of these stay too.
    """
    ordered = np.sort(shares, axis=1)[:, ::-1]
    likeliest = ordered[:, :NUCLEUS]
    if (likeliest.sum(axis=1) < p).any():  # the nucleus of some row is larger
        likeliest = ordered
    cumulative = torch.from_numpy(likeliest.copy()).cumsum(1).numpy()
    kept = (cumulative - likeliest < p).sum(axis=1)
    least = ordered[np.arange(len(ordered)), np.maximum(kept, 1) - 1]
    nucleus: Rows = shares * (shares >= least[:, None])
    nucleus /= np.maximum(nucleus.sum(axis=1, keepdims=True), LEAST)
    return nucleus

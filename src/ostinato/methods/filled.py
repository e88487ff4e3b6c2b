"""Pieces that were filled in, as samples."""

from collections.abc import Iterable
from typing import Any

from ostinato.methods.base import TEST, Sample, Samples, SamplingTask
from ostinato.sampling import filling
from ostinato.sampling.filling import Grid, PartialPiece

Filled = tuple[PartialPiece, Grid, tuple[str, ...]]


def collect_filled(task: SamplingTask, filled: Iterable[Filled], named: str) -> Samples:
    """Return samples that say which of their notes were given.

    filled: of each, what was given, the tokens (steps, voices) of all of it, and facts about it;
    named: a music file, or `test`, that the given music is from.
    """
    representation: Any = task.bundle.representation
    samples, first = [], None
    for number, (partial, tokens, facts) in enumerate(filled, 1):
        name = f"sample-{number:02d}"
        piece, given = filling.finish(partial, tokens, representation, task.bundle.setting, name)
        about = filling.describe(named, partial.piece, given)
        samples.append(Sample(piece, None, about, facts))
        first = first or partial.piece
    return Samples(samples, first.name if first is not None and named == TEST else None)

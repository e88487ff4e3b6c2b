"""Metrics of one piece, on a grid of sixteenth notes.

`piece_metrics` has a module for each group of them. What muspy defines has muspy's names. Its rates
by beat and by bar count a bar that is not there and depend on the resolution: what is to be read
instead has names of its own, so that no figure is mistaken for one of muspy's.
"""

import math

from ostinato.errors import UserError
from ostinato.evaluation.piece_metrics.views import STEPS_PER_QUARTER, PieceViews
from ostinato.evaluation.registry import metrics
from ostinato.music.piece import Piece

# isort: off
# each registers its metrics, in the order in which they are written and shown
from ostinato.evaluation.piece_metrics import pitch
from ostinato.evaluation.piece_metrics import rhythm
from ostinato.evaluation.piece_metrics import voice_leading
from ostinato.evaluation.piece_metrics import harmony
from ostinato.evaluation.piece_metrics import structure
# isort: on

__all__ = ["MODULES", "STEPS_PER_QUARTER", "PieceViews", "measure"]
MODULES = (pitch, rhythm, voice_leading, harmony, structure)


def measure(piece: Piece) -> dict[str, float]:
    """Return the registered metrics of a piece by name, in order of registration.

    Pitches are those of pitched tracks; drums count as sound, as onsets and as notes. A metric
    that is undefined for the piece (the entropy of no pitches, the similarity of a single bar) is
    left out, and all are for a piece without notes. Raises `UserError` for an infinite value.
    """
    views = PieceViews(piece)
    if not len(views.grid.notes):
        return {}
    computed = {metric.name: metric.compute(views) for metric in metrics("piece")}
    values = {n: float(v) for n, v in computed.items() if v is not None and not math.isnan(v)}
    for name, value in values.items():
        if math.isinf(value):
            raise UserError(
                f"the metric {name} of {piece.name} is {value}: it should be a finite number, or "
                "None where it is undefined."
            )
    return values

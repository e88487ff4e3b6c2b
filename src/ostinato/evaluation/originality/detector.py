"""Copies told from new music, for a stage that wants no more than that."""

from collections.abc import Sequence
from dataclasses import dataclass

from ostinato.errors import UserError
from ostinato.evaluation.originality.assessment import Music
from ostinato.evaluation.originality.index import Index, build_index
from ostinato.evaluation.originality.measure import measure_excerpts, measure_originality
from ostinato.evaluation.originality.threshold import Threshold, calibrate
from ostinato.music.piece import Piece


@dataclass(frozen=True)
class CopyDetector:
    """An index of training pieces, and the threshold that validation pieces give."""

    index: Index
    threshold: Threshold

    def find_copies(self, pieces: Sequence[Piece]) -> list[int]:
        """Return which of some pieces copy a training piece."""
        found = [measure_originality(self.index, piece) for piece in pieces]
        return [number for number, one in enumerate(found) if self.threshold.flags(one)]


def build_detector(music: Music, quarters: float) -> CopyDetector:
    """Return what tells copies among pieces of a length in quarter notes.

    Raises `UserError` where there is no validation piece to calibrate on.
    """
    index = build_index(music.training)
    held_out = list(measure_excerpts(index, music.validation, quarters))
    if not held_out:
        raise UserError(
            "sampling.novelty needs validation pieces, by which copies are told from what real "
            "pieces share: the split has none. Set split.validation above 0, or sampling.novelty=0."
        )
    return CopyDetector(index, calibrate(held_out))

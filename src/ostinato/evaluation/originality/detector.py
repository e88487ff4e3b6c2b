"""Copies told from new music, for a stage that wants no more than that."""

from collections.abc import Sequence
from dataclasses import dataclass

from ostinato.evaluation.originality.assessment import Music
from ostinato.evaluation.originality.calibration import measure_held_out
from ostinato.evaluation.originality.index import Index, build_index
from ostinato.evaluation.originality.measure import measure_originality
from ostinato.evaluation.originality.threshold import Threshold, calibrate
from ostinato.music.piece import Piece


@dataclass(frozen=True)
class CopyDetector:
    """An index of training pieces, and the threshold that real pieces give."""

    index: Index
    threshold: Threshold

    def find_copies(self, pieces: Sequence[Piece]) -> list[int]:
        """Return which of some pieces copy a training piece."""
        found = [measure_originality(self.index, piece) for piece in pieces]
        return [number for number, one in enumerate(found) if self.threshold.flags(one)]


def build_detector(music: Music, quarters: float) -> CopyDetector:
    """Return what tells copies among pieces of a length in quarter notes."""
    index = build_index(music.training)
    real = measure_held_out(index, music.training, music.validation, quarters)
    return CopyDetector(index, calibrate(real))

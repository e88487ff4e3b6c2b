"""What counts as a copy is decided by held-out music."""

import numpy as np
import pytest

from ostinato.evaluation.originality.measure import Originality
from ostinato.evaluation.originality.passages import TEXTURE, TRACK, Calendar, Passage, Place
from ostinato.evaluation.originality.threshold import calibrate
from ostinato.music.piece import NOTE, TIME_SIGNATURE, Piece, array


def found(**evidence: float) -> Originality:
    place = Place(0, 4, (1, 1))
    passages = {
        kind: Passage(kind, 0, "known", 0, 0, place, place, 10, 0, bits)
        for kind, bits in evidence.items()
    }
    return Originality("piece", {}, passages, {}, ("", 0.0), 0)


def test_at_most_one_held_out_piece_in_twenty_is_flagged() -> None:
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(200):
        draws = [found(**{TEXTURE: a, TRACK: b}) for a, b in rng.lognormal(3, 1, (120, 2))]
        threshold = calibrate(draws[:60])
        shares.append(np.mean([threshold.flags(piece) for piece in draws[60:]]))
    assert 0.03 < np.mean(shares) <= 0.055


def test_the_passage_with_most_evidence_decides() -> None:
    threshold = calibrate([found(**{TEXTURE: 10.0 + n, TRACK: 5.0}) for n in range(40)])
    assert threshold.bits == 48.0, "the 39th of 40"
    piece = found(**{TEXTURE: 47.0, TRACK: 48.5})
    assert threshold.flags(piece)
    assert piece.decisive is not None
    assert piece.decisive.kind == TRACK
    assert not threshold.flags(found())


def test_nothing_cannot_be_calibrated_on() -> None:
    with pytest.raises(ValueError, match="no held-out piece"):
        calibrate([])


@pytest.mark.parametrize(("pieces", "sure"), [(1, False), (18, False), (19, True)])
def test_few_pieces_promise_less(pieces: int, sure: bool) -> None:
    assert calibrate([found(**{TEXTURE: 9.0})] * pieces).is_sure is sure


def test_bars_are_counted_as_they_are_printed() -> None:
    notes = array(NOTE, onset=np.arange(13) * 4, duration=4, pitch=60)
    signatures = np.array([(0, 1, 4), (4, 4, 4)], TIME_SIGNATURE)
    calendar = Calendar.of(Piece("pickup", 4, notes, time_signatures=signatures))
    assert [calendar.bar(quarter) for quarter in (0, 0.75, 1, 4.75, 5)] == [0, 0, 1, 1, 2]
    assert Place.between(1, 5, calendar).bars == (1, 1)
    assert Place.between(0, 6, calendar).bars == (0, 2)

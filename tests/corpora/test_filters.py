from typing import Any

import numpy as np
import pytest

from defaults import build
from ostinato.corpora.corpus import Corpus
from ostinato.corpora.filters import prepare
from ostinato.errors import UnreadableError
from ostinato.music.piece import NOTE, Piece, array


def corpus(**settings: Any) -> Corpus:
    return build("corpus=_base", name="test", path="data/test", **settings)


@pytest.fixture
def band() -> Piece:
    """A piano, a bass and a drum kit."""
    notes = array(
        NOTE,
        onset=[0, 0, 0, 490, 960],
        duration=[480, 960, 120, 470, 480],
        pitch=[72, 36, 42, 74, 76],
        velocity=80,
        program=[0, 32, 0, 0, 0],
        drum=[False, False, True, False, False],
        track=[0, 1, 2, 0, 0],
    )
    return Piece("band", 480, notes, track_names=("piano", "bass", "drums"))


def test_a_piece_comes_out_at_the_resolution_of_the_corpus(band: Piece) -> None:
    piece = prepare(band, corpus())
    assert piece.resolution == 24
    assert piece.track(0)["onset"].tolist() == [0, 25, 48]


def test_quantised_notes_stand_on_the_grid(band: Piece) -> None:
    piece = prepare(band, corpus(quantise=4))
    assert piece.track(0)["onset"].tolist() == [0, 24, 48]
    assert not np.any(piece.notes["duration"] % 6)


def test_tracks_that_lose_all_their_notes_disappear(band: Piece) -> None:
    assert prepare(band, corpus(drums="drop")).track_names == ("piano", "bass")
    piece = prepare(band, corpus(pitch_range=(60, 127), drums="drop"))
    assert piece.track_names == ("piano",)
    piece = prepare(band, corpus(programs=[32], drums="drop"))
    assert piece.track_names == ("bass",)
    assert piece.notes["track"].tolist() == [0]


def test_merged_tracks_hold_all_notes_and_leave_drums_a_track_of_their_own(band: Piece) -> None:
    piece = prepare(band, corpus(merge_tracks=True, resolution=480))
    assert piece.track_names == ("piano", "drums")
    assert piece.track(0)["pitch"].tolist() == [36, 72, 74, 76]
    assert piece.track(0)["program"].tolist() == [32, 0, 0, 0]
    assert piece.track(1)["pitch"].tolist() == [42]


def test_the_pitch_range_leaves_drums_alone(band: Piece) -> None:
    assert prepare(band, corpus(pitch_range=(60, 127))).track_names == ("piano", "drums")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"min_notes": 6}, "5 notes are left: min_notes=6"),
        ({"pitch_range": (1, 2), "drums": "drop"}, "0 notes are left"),
        ({"max_quarters": 2}, "it lasts 3 quarter notes: max_quarters=2"),
        ({"min_tracks": 4}, "3 tracks are left: min_tracks=4"),
        ({"max_tracks": 2}, "it has 3 tracks: max_tracks=2"),
    ],
)
def test_a_piece_that_does_not_fit_is_rejected_with_the_reason(
    band: Piece, settings: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UnreadableError, match=reason):
        prepare(band, corpus(**settings))


@pytest.mark.parametrize(
    "settings",
    [
        {"pitch_range": (60, 40)},
        {"quantise": 5},
        {"min_tracks": 3, "max_tracks": 2},
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings)).replace("min", "max")):
        corpus(**settings)


@pytest.mark.parametrize("path", ["/data/mine", "../mine", "~/mine"])
def test_a_corpus_lies_inside_the_project(path: str) -> None:
    with pytest.raises(ValueError, match="inside the project"):
        build("corpus=_base", name="mine", path=path)

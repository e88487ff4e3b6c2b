"""A piece says the same in muspy and in symusic."""

import numpy as np
import pytest

from ostinato.music import conversion
from ostinato.music.piece import NOTE, Piece, array


def test_a_chorale_survives_muspy(bach: list[Piece]) -> None:
    for piece in bach:
        assert conversion.from_muspy(conversion.to_muspy(piece), piece.name) == piece


def test_a_chorale_survives_symusic(bach: list[Piece]) -> None:
    for piece in bach:
        again = conversion.from_symusic(conversion.to_symusic(piece), piece.name)
        assert np.array_equal(again.notes, piece.notes)
        assert again.track_names == piece.track_names
        assert np.array_equal(again.time_signatures, piece.time_signatures)
        assert again.tempos["qpm"] == pytest.approx(piece.tempos["qpm"], rel=1e-5)


def test_muspy_and_symusic_agree_on_a_chorale(bach: list[Piece]) -> None:
    for piece in bach:
        music, score = conversion.to_muspy(piece), conversion.to_symusic(piece)
        assert music.resolution == score.ticks_per_quarter
        assert music.get_end_time() == score.end() == piece.end
        theirs = [[(n.time, n.duration, n.pitch) for n in t.notes] for t in music.tracks]
        assert theirs == [[(n.time, n.duration, n.pitch) for n in t.notes] for t in score.tracks]


def test_a_chord_becomes_its_notes() -> None:
    import muspy

    chord = muspy.Chord(0, [60, 64, 67], 24, 90)
    music = muspy.Music(resolution=24, tracks=[muspy.Track(chords=[chord])])
    piece = conversion.from_muspy(music, "chord")
    assert piece.notes["pitch"].tolist() == [60, 64, 67]
    assert piece.notes["duration"].tolist() == [24, 24, 24]


def test_a_track_without_notes_is_left_out() -> None:
    piece = Piece("x", 4, array(NOTE, onset=0, duration=4, pitch=60, velocity=80, track=1))
    assert piece.track_names == ("", "")
    assert conversion.from_symusic(conversion.to_symusic(piece), "x").track_names == ("",)
    assert conversion.from_muspy(conversion.to_muspy(piece), "x").track_names == ("",)


def test_a_note_of_no_duration_sounds_for_a_tick() -> None:
    import muspy

    music = muspy.Music(resolution=4, tracks=[muspy.Track(notes=[muspy.Note(0, 60, 0, 80)])])
    assert conversion.from_muspy(music, "x").notes["duration"].tolist() == [1]

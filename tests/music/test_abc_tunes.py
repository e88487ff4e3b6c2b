import warnings
from pathlib import Path

import music21
import numpy as np
import pytest

from ostinato.errors import UnreadableError
from ostinato.music import abc

CORPUS = Path(music21.__file__).parent / "corpus"
HEAD = "X:1\nT:Test\nM:4/4\nL:1/4\nK:C\n"


def pitches(text: str) -> list[int]:
    return abc.read_tune(HEAD + text, "test").notes["pitch"].tolist()


def test_a_file_is_split_into_its_tunes() -> None:
    text = abc.read_text(CORPUS / "essenFolksong" / "teste.abc")
    assert len(abc.tunes(text)) == text.count("X:")


def test_the_header_of_a_file_belongs_to_every_tune() -> None:
    assert abc.tunes("M:3/4\nX:1\nK:C\nX:2\nK:D\n") == ["M:3/4\nX:1\nK:C\n", "M:3/4\nX:2\nK:D\n"]


def test_tunes_have_the_notes_that_muspy_reads() -> None:
    import muspy

    file = CORPUS / "essenFolksong" / "teste.abc"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = muspy.read_abc(str(file))
    tunes = abc.tunes(abc.read_text(file))
    assert len(tunes) == len(theirs) > 1
    for tune, music in zip(tunes, theirs, strict=True):
        piece = abc.read_tune(tune, "tune").at_resolution(24)
        ours = [(n["onset"], n["duration"], n["pitch"]) for n in piece.notes]
        track = music.tracks[0]
        assert ours == sorted((n.time, n.duration, n.pitch) for n in track.notes)
        lines = [line.time for line in music.barlines if line.time < piece.end]
        assert piece.barlines().tolist() == lines


@pytest.mark.parametrize("between", [":| |:", ":|\n|:", ":|:", "::", ":||:"])
def test_repeats_are_played(between: str) -> None:
    first, second = [60, 62, 64, 65, 67], [72, 71, 69]
    assert pitches(f"|: C D E F | G4 {between} c2 B2 | A4 :|") == 2 * first + 2 * second


def test_first_and_second_endings_are_played() -> None:
    assert pitches("|: C D E F |1 G4 :|2 A4 |]") == [60, 62, 64, 65, 67, 60, 62, 64, 65, 69]


def test_a_tune_with_badly_formed_repeats_is_read_as_written() -> None:
    tune = "C D E F | G4 :| |: A4 | B4 | c4 |] d4 | e4 |]"
    assert pitches(tune) == [60, 62, 64, 65, 67, 69, 71, 72, 74, 76]


def test_tied_notes_are_joined_and_chord_symbols_are_silent() -> None:
    piece = abc.read_tune(HEAD + '"Am" C4- | C2 D2 | [CEG]4 |]', "test")
    assert piece.notes["pitch"].tolist() == [60, 62, 60, 64, 67]
    assert piece.notes["duration"].tolist() == [2880, 960, 1920, 1920, 1920]


def test_two_voices_are_two_tracks() -> None:
    piece = abc.read_tune(HEAD + "V:1\nc4 | d4 |]\nV:2\nC4 | D4 |]\n", "test")
    assert [piece.track(0)["pitch"].tolist(), piece.track(1)["pitch"].tolist()] == [
        [72, 74],
        [60, 62],
    ]


def test_a_tempo_is_read() -> None:
    piece = abc.read_tune(HEAD.replace("K:C", "Q:1/4=72\nK:C") + "C4 |]", "test")
    assert piece.tempos.tolist() == [(0, 72.0)]


@pytest.mark.parametrize("text", ["", "hello", HEAD])
def test_a_tune_without_notes_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableError):
        abc.read_tune(text, "test")


def test_old_collections_in_latin_1_are_read(tmp_path: Path) -> None:
    path = tmp_path / "old.abc"
    path.write_bytes((HEAD + "C4 |]").replace("Test", "Müller").encode("latin-1"))
    assert "Müller" in abc.read_text(path)
    assert np.array_equal(abc.read_tune(abc.read_text(path), "old").notes["pitch"], [60])

"""Melodies become ABC text that says the same notes and bars."""

from pathlib import Path

import numpy as np
import pytest

from ostinato.music.abc import abc_text, is_melody, read_text, read_tune, tunes, write_abc
from ostinato.music.piece import KEY_SIGNATURE, NOTE, TEMPO, TIME_SIGNATURE, Piece, array
from ostinato.music.reading import read


def made(*rows: tuple[int, int, int], **fields: object) -> Piece:
    """A piece of (onset, duration, pitch) in sixteenths."""
    notes = [(onset, duration, pitch, 64, 0, False, 0) for onset, duration, pitch in rows]
    return Piece("made", 4, np.array(notes, NOTE), **fields)  # type: ignore[arg-type]


def same_music(piece: Piece, back: Piece) -> bool:
    resolution = int(np.lcm(piece.resolution, back.resolution))
    one, two = (p.at_resolution(resolution) for p in (piece, back))
    return all(
        np.array_equal(one.notes[key], two.notes[key]) for key in ("onset", "duration", "pitch")
    ) and np.array_equal(one.barlines(), two.barlines())


def test_the_text_is_what_a_musician_would_write() -> None:
    piece = made(
        (0, 4, 67),
        (4, 2, 66),
        (6, 2, 65),
        (8, 12, 72),
        (24, 4, 58),
        tempos=array(TEMPO, onset=0, qpm=96.0),
        time_signatures=array(TIME_SIGNATURE, onset=0, numerator=4, denominator=4),
        key_signatures=array(KEY_SIGNATURE, onset=0, fifths=1),
    )
    assert abc_text(piece) == (
        "X:1\nT:made\nM:4/4\nL:1/8\nQ:1/4=96\nK:G\nG2 F =F c4- |c2 z2 _B,2 |]\n"
    )


def test_an_accidental_holds_to_the_end_of_its_bar_in_its_octave() -> None:
    piece = made((0, 4, 66), (4, 4, 66), (8, 4, 78), (12, 4, 65), (16, 4, 66), (20, 4, 65))
    piece = Piece(
        "made",
        4,
        piece.notes,
        key_signatures=array(KEY_SIGNATURE, onset=0, fifths=0),
    )
    assert abc_text(piece).splitlines()[-1] == "^F2 F2 ^f2 =F2 |^F2 =F2 |]"


def test_tunes_of_essen_come_back(tmp_path: Path) -> None:
    from music21 import corpus

    found = 0
    for path in [Path(path) for path in corpus.getComposer("essenFolksong")][:3]:
        for text in list(tunes(read_text(path)))[:25]:
            piece = read_tune(text, "tune")
            if not is_melody(piece):
                continue
            write_abc(piece, tmp_path / "tune.abc")
            assert same_music(piece, next(iter(read(tmp_path / "tune.abc")))), text
            found += 1
    assert found >= 60


def test_metres_keys_and_triplets_come_back(tmp_path: Path) -> None:
    notes = [(0, 8, 61), (8, 8, 63), (16, 8, 65), (24, 24, 66), (48, 24, 70), (72, 72, 68)]
    rows = [(onset, length, pitch, 64, 0, False, 0) for onset, length, pitch in notes]
    piece = Piece(
        "made",
        24,
        np.array(rows, NOTE),
        time_signatures=np.array([(0, 3, 4), (72, 2, 4)], TIME_SIGNATURE),
        key_signatures=np.array([(0, -5, False), (72, 3, False)], KEY_SIGNATURE),
    )
    write_abc(piece, tmp_path / "made.abc")
    back = next(iter(read(tmp_path / "made.abc")))
    assert same_music(piece, back)
    assert back.time_signatures["numerator"].tolist() == [3, 2]
    assert back.key_signatures["fifths"].tolist() == [-5, 3]


def test_chords_voices_and_drums_are_no_melody(short_chorales: list[Piece]) -> None:
    assert not is_melody(short_chorales[0])
    assert not is_melody(made((0, 4, 60), (2, 4, 64)))
    assert not is_melody(made())
    with pytest.raises(ValueError, match="no melody"):
        abc_text(short_chorales[0])

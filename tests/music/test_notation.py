"""Pieces become MusicXML that notation programs open: the same notes, spelled as in their key."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import verovio

from ostinato.music.notation import musicxml_bytes, write_musicxml
from ostinato.music.piece import KEY_SIGNATURE, NOTE, TIME_SIGNATURE, Piece, array, changes
from ostinato.music.reading import read


def played(piece: Piece, resolution: int) -> list[tuple[int, ...]]:
    notes = piece.at_resolution(resolution).notes
    return sorted(
        tuple(int(row[key]) for key in ("track", "onset", "pitch", "duration")) for row in notes
    )


def again(piece: Piece, folder: Path) -> Piece:
    """Return the piece that is read from what is written."""
    write_musicxml(piece, folder / "piece.musicxml")
    return next(iter(read(folder / "piece.musicxml")))


def same_music(piece: Piece, back: Piece) -> bool:
    resolution = int(np.lcm(piece.resolution, back.resolution))
    lines = [p.at_resolution(resolution).barlines().tolist() for p in (piece, back)]
    return played(piece, resolution) == played(back, resolution) and lines[0] == lines[1]


def made(*rows: tuple[int, int, int], track: int = 0, **fields: object) -> Piece:
    """A piece of (onset, duration, pitch) in sixteenths."""
    notes = [(onset, duration, pitch, 64, 0, False, track) for onset, duration, pitch in rows]
    return Piece("made", 4, np.array(notes, NOTE), **fields)  # type: ignore[arg-type]


def test_chorales_come_back_note_for_note_and_bar_for_bar(
    chorales: list[Piece], tmp_path: Path
) -> None:
    for piece in chorales[:12]:
        assert same_music(piece, again(piece, tmp_path)), piece.name


@pytest.mark.slow
def test_every_chorale_comes_back(tmp_path: Path) -> None:
    from music21 import corpus

    paths = [
        Path(path) for path in corpus.getComposer("bach") if str(path).endswith((".mxl", ".xml"))
    ]
    found = 0
    verovio.enableLog(verovio.LOG_WARNING)
    toolkit = verovio.toolkit()
    for path in paths:
        piece = next(iter(read(path)))
        assert same_music(piece, again(piece, tmp_path)), path.name
        assert toolkit.loadData((tmp_path / "piece.musicxml").read_text())
        assert toolkit.renderToSVG(1).startswith("<svg")
        assert not toolkit.getLog(), path.name
        found += 1
    assert found >= 400


def test_notes_that_overlap_in_a_track_and_triplets_come_back(tmp_path: Path) -> None:
    piece = made((0, 16, 48), (0, 4, 60), (0, 4, 64), (2, 6, 67), (8, 5, 61), (13, 3, 72))
    triplets = Piece(
        "triplets",
        12,
        np.array([(4 * i, 4, 60 + i, 64, 0, False, 0) for i in range(12)], NOTE),
    )
    for one in (piece, triplets):
        back = again(one, tmp_path)
        resolution = int(np.lcm(one.resolution, back.resolution))
        assert played(one, resolution) == played(back, resolution)


def test_the_same_piece_gives_the_same_bytes_without_a_date() -> None:
    piece = made((0, 4, 60), (4, 4, 62))
    first = musicxml_bytes(piece)
    assert first == musicxml_bytes(piece)
    assert b"encoding-date" not in first
    assert b"Music21</creator>" not in first


def spelled(piece: Piece) -> list[str]:
    names = []
    for pitch in ElementTree.fromstring(musicxml_bytes(piece)).iter("pitch"):
        alter = int(pitch.findtext("alter") or 0)
        names.append(
            f"{pitch.findtext('step')}{'#' * alter}{'b' * -alter}{pitch.findtext('octave')}"
        )
    return names


@pytest.mark.parametrize(
    ("fifths", "expected"),
    [
        (0, ["C4", "C#4", "Eb4", "F#4", "G#4", "Bb4", "B4"]),
        (-4, ["C4", "Db4", "Eb4", "Gb4", "Ab4", "Bb4", "Cb5"]),
        (6, ["B#3", "C#4", "D#4", "F#4", "G#4", "A#4", "B4"]),
    ],
)
def test_pitches_are_spelled_as_in_their_key(fifths: int, expected: list[str]) -> None:
    pitches = (60, 61, 63, 66, 68, 70, 71)
    rows = [(4 * i, 4, pitch) for i, pitch in enumerate(pitches)]
    piece = made(*rows, key_signatures=array(KEY_SIGNATURE, onset=0, fifths=fifths, minor=False))
    assert spelled(piece) == expected


def test_a_pickup_is_a_bar_that_is_not_counted_and_changes_no_metre() -> None:
    metres = changes([(0, 1, 4), (4, 4, 4)], TIME_SIGNATURE)
    piece = made((0, 4, 67), *((4 + 4 * i, 4, 60) for i in range(8)), time_signatures=metres)
    text = musicxml_bytes(piece).decode()
    assert re.findall(r"<beats>(\d+)</beats>", text) == ["4"]
    assert re.findall(r'<measure [^>]*number="(\d+)"', text) == ["0", "1", "2"]


def test_drums_are_no_part_and_a_piece_of_drums_is_refused(tmp_path: Path) -> None:
    rows = [(0, 4, 60, 64, 0, False, 0), (0, 4, 36, 64, 0, True, 1)]
    piece = Piece("both", 4, np.array(rows, NOTE), track_names=("piano", "drums"))
    back = again(piece, tmp_path)
    assert back.notes["pitch"].tolist() == [60]
    with pytest.raises(ValueError, match="no pitched notes"):
        musicxml_bytes(Piece("drums", 4, np.array(rows[1:], NOTE)))


def test_every_pitch_of_midi_is_written(tmp_path: Path) -> None:
    for fifths in (-6, 0, 6):
        piece = made(
            *((4 * i, 4, i) for i in range(128)),
            key_signatures=array(KEY_SIGNATURE, onset=0, fifths=fifths),
        )
        assert same_music(piece, again(piece, tmp_path))

"""The listening page holds everything that it shows and plays."""

import base64
import re
from pathlib import Path

import numpy as np
import pytest

from ostinato.music.page import Sample, listen_page, seconds_at
from ostinato.music.piece import NOTE, TEMPO, Piece, array
from ostinato.music.reading import read_midi

MP3 = b"ID3 stands for sound here"


def test_the_page_needs_no_network(bach: list[Piece]) -> None:
    page = listen_page("Samples", [Sample(p.name, p, MP3) for p in bach[:3]], {"model": "lstm"})
    assert page.count("<audio") == page.count("<svg") == 3
    assert not re.search(r"https?:|//\w|@import|url\(", re.sub(r"base64,[\w+/=]+", "", page))
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(addresses) == 6
    assert all(address.startswith("data:audio/") for address in addresses)


def test_the_page_holds_the_sound_and_the_midi(bach: list[Piece], tmp_path: Path) -> None:
    page = listen_page("Samples", [Sample("a chorale", bach[0], MP3)])
    mp3, midi = (base64.b64decode(data) for data in re.findall(r"base64,([\w+/=]+)", page))
    assert mp3 == MP3
    (tmp_path / "x.mid").write_bytes(midi)
    again = read_midi(tmp_path / "x.mid")
    assert np.array_equal(again.notes["pitch"], bach[0].notes["pitch"])
    assert 'download="a chorale.mid"' in page


def test_names_and_settings_are_shown_as_they_are_written(bach: list[Piece]) -> None:
    sample = Sample("<script>alert(1)</script>", bach[0], MP3, {"a < b": "\"quoted\" & 'so'"})
    page = listen_page("R&B", [sample], {"model": "<b>lstm</b>"})
    assert "<title>R&amp;B</title>" in page
    assert "&lt;b&gt;lstm&lt;/b&gt;" in page
    assert "a &lt; b" in page
    assert "<script>alert" not in page
    assert page.count("<script>") == 1


def test_bars_length_and_notes_are_told(bach: list[Piece]) -> None:
    piece = bach[3]
    page = listen_page("x", [Sample("x", piece, MP3, {"seed": "7"})])
    facts = dict(re.findall(r"<dt>(.+?)</dt><dd>(.+?)</dd>", page))
    assert facts == {"bars": "12", "length": "0:24", "notes": str(len(piece.notes)), "seed": "7"}


def test_every_note_is_drawn(bach: list[Piece]) -> None:
    for piece in bach[:4]:
        page = listen_page("x", [Sample("x", piece, MP3)])
        paths = re.findall(r'<path fill="#\w+" d="([^"]+)"', page)
        drawn = [path.count("z") for path in paths]
        assert drawn == np.bincount(piece.notes["track"]).tolist()


def test_the_playhead_knows_the_seconds_at_which_notes_sound(bach: list[Piece]) -> None:
    from ostinato.music.conversion import to_symusic

    for piece in bach:
        assert seconds_at(piece, np.array([piece.end]))[0] == pytest.approx(piece.seconds)
        played = to_symusic(piece).to("second").tracks[0].notes.numpy()["time"]
        assert seconds_at(piece, piece.track(0)["onset"]) == pytest.approx(played, abs=1e-3)


def test_tempo_changes_move_what_comes_after_them() -> None:
    notes = array(NOTE, onset=0, duration=16, pitch=60, velocity=80)
    tempos = array(TEMPO, onset=[4, 8], qpm=[60.0, 30.0])
    piece = Piece("x", 4, notes, tempos=tempos)
    ticks = np.array([0, 2, 4, 6, 8, 12])
    assert seconds_at(piece, ticks).tolist() == [0, 0.25, 0.5, 1.0, 1.5, 3.5]


def test_a_page_of_silence_can_be_made() -> None:
    page = listen_page("x", [Sample("silence", Piece("x", 4, np.zeros(0, NOTE)), MP3)])
    assert "<dt>notes</dt><dd>0</dd>" in page


def test_the_same_samples_give_the_same_page(bach: list[Piece]) -> None:
    def page() -> str:
        return listen_page("x", [Sample(p.name, p, MP3) for p in bach[:2]], {"a": 1})

    assert page() == page()

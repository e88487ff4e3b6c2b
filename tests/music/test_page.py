"""The listening page holds everything that it shows and plays, in a musician's words."""

import base64
import html
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ostinato.music.page import Given, Listening, Sample, describe_piece, listen_page
from ostinato.music.picture import pitch_marks, pitch_name
from ostinato.music.piece import NOTE, TEMPO, TIME_SIGNATURE, Piece, array
from ostinato.music.reading import read_midi
from ostinato.music.roll import draw_roll, seconds_at

MP3 = b"ID3 stands for sound here"
VOICES = {voice: MP3 + bytes([voice]) for voice in range(4)}


@pytest.fixture(scope="module")
def chorale(short_chorales: list[Piece]) -> Piece:
    return replace(short_chorales[0], track_names=("Soprano", "Alto", "Tenor", "Bass"))


def page_of(*samples: Sample) -> str:
    return listen_page(Listening("Samples", samples))


def sounds(page: str) -> list[bytes]:
    found = re.findall(r'<script type="text/plain" class="sound">([\w+/=]+)</script>', page)
    return [base64.b64decode(sound) for sound in found]


def text_of(page: str) -> str:
    """The page without tags, pictures and sounds."""
    shown = re.sub(r"<(style|script).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", shown)).split())


def test_the_page_needs_no_network(short_chorales: list[Piece]) -> None:
    page = page_of(*(Sample(p.name, p, VOICES) for p in short_chorales[:3]))
    assert page.count('role="img"') == 3
    bare = re.sub(r'base64,[\w+/=]+|class="sound">[\w+/=]+', "", page)
    assert not re.search(r"https?:|//\w|@import|url\(", bare)
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(addresses) == 3
    assert all(address.startswith("data:audio/midi") for address in addresses)


def test_each_voice_has_a_sound_of_its_own(chorale: Piece) -> None:
    page = page_of(Sample("x", chorale, VOICES))
    assert sounds(page) == list(VOICES.values())
    for voice in ("Soprano", "Alto", "Tenor", "Bass"):
        assert f'aria-label="Solo {voice}"' in page
        assert f'aria-label="Mute {voice}"' in page


def test_what_has_one_sound_has_nothing_to_solo(chorale: Piece) -> None:
    page = page_of(Sample("x", chorale, {None: MP3}))
    assert sounds(page) == [MP3]
    assert "Soprano" in text_of(page)
    assert 'aria-label="Solo' not in page


def test_the_page_holds_the_midi(short_chorales: list[Piece], tmp_path: Path) -> None:
    page = page_of(Sample("a chorale", short_chorales[0], VOICES))
    [midi] = re.findall(r"audio/midi;base64,([\w+/=]+)", page)
    (tmp_path / "x.mid").write_bytes(base64.b64decode(midi))
    again = read_midi(tmp_path / "x.mid")
    assert np.array_equal(again.notes["pitch"], short_chorales[0].notes["pitch"])
    assert 'download="a chorale.mid"' in page


def test_names_and_settings_are_shown_as_they_are_written(short_chorales: list[Piece]) -> None:
    sample = Sample(
        "x", short_chorales[0], {None: MP3}, "<script>alert(1)</script>", ["\"quoted\" & 'so'"]
    )
    page = listen_page(Listening("R&B", [sample], settings={"model": "<b>lstm</b>"}))
    assert "<title>R&amp;B</title>" in page
    assert "&lt;b&gt;lstm&lt;/b&gt;" in page
    assert "\"quoted\" & 'so'" in text_of(page)
    assert "<script>alert" not in page
    assert page.count("<script>") == 1


def test_a_musician_reads_key_bars_tempo_length_and_instruments() -> None:
    pitches = [67, 60, 62, 64, 65, 67, 69, 71, 72]
    notes = array(NOTE, onset=np.arange(9) * 4, duration=4, pitch=pitches, velocity=80, program=40)
    signatures = array(TIME_SIGNATURE, onset=[0, 4], numerator=[1, 4], denominator=[4, 4])
    tempo = array(TEMPO, onset=0, qpm=90.0)
    piece = Piece("x", 4, notes, tempo, signatures)
    assert describe_piece(piece) == [
        "C major (estimated)",
        "2 bars of 4/4 after a pickup",
        "♩ = 90",
        "0:06",
        "Violin",
    ]


def test_a_written_key_is_no_estimate(short_chorales: list[Piece]) -> None:
    assert all("estimated" not in describe_piece(p)[0] for p in short_chorales)
    unwritten = replace(short_chorales[0], key_signatures=short_chorales[0].key_signatures[:0])
    assert "estimated" in describe_piece(unwritten)[0]


def test_what_was_given_is_marked(chorale: Piece) -> None:
    half = Given("bwv 1 of the test split", until=chorale.end // 2)
    page = page_of(Sample("x", chorale, VOICES, given=half))
    [share] = re.findall(r'class="given" style="width: ([\d.]+)%"', page)
    assert float(share) == pytest.approx(50, abs=1)
    assert "Given: the shaded beginning, from bwv 1 of the test split." in text_of(page)
    page = page_of(Sample("x", chorale, VOICES, given=Given("my.mid", tracks=frozenset({0}))))
    assert "Given: Soprano, from my.mid. The rest is new." in text_of(page)
    assert "Soprano, given" in text_of(page)
    assert 'class="given"' not in page


def test_real_music_is_marked(chorale: Piece) -> None:
    page = page_of(Sample("x", chorale, VOICES), Sample("y", chorale, VOICES, real=True))
    assert len(re.findall(r'<article class="card sample real" id="real"', page)) == 1
    assert len(re.findall(r'<article class="card sample"', page)) == 1


def test_every_note_is_drawn(short_chorales: list[Piece]) -> None:
    for piece in short_chorales[:4]:
        paths = re.findall(r'<path fill="#\w+" d="([^"]+)"', page_of(Sample("x", piece, VOICES)))
        drawn = [path.count("z") for path in paths]
        assert drawn == np.bincount(piece.notes["track"]).tolist()


def test_black_keys_are_shaded() -> None:
    roll = draw_roll(Piece("x", 4, array(NOTE, onset=[0, 4], duration=4, pitch=[61, 71])))
    # from C4, below the lowest note, to C5, above the highest
    assert roll["black_keys"].count("M") == 5
    assert roll["height"] == 13 * 10


@pytest.mark.parametrize("low", range(36, 60))
@pytest.mark.parametrize("width", [3, 5, 8, 13, 24, 60])
def test_there_are_labels_of_pitch_however_narrow_the_range(low: int, width: int) -> None:
    marks = pitch_marks(low, low + width)
    assert len(marks) >= 3
    assert all(low <= mark <= low + width for mark in marks)


def test_a_roll_of_one_pitch_has_labels() -> None:
    roll = draw_roll(Piece("x", 4, array(NOTE, onset=0, duration=4, pitch=63)))
    assert [label["text"] for label in roll["pitches"]] == ["D4", "E♭4", "E4"]
    assert pitch_name(60) == "C4"


def test_bars_are_numbered_after_the_pickup() -> None:
    notes = array(NOTE, onset=[0, 4, 20], duration=4, pitch=60)
    signatures = array(TIME_SIGNATURE, onset=[0, 4], numerator=[1, 4], denominator=[4, 4])
    bars = draw_roll(Piece("x", 4, notes, time_signatures=signatures))["bars"]
    assert [label["text"] for label in bars] == ["bar 1", "2"]
    assert float(bars[0]["at"]) == pytest.approx(100 * 4 / 24, abs=0.01)


def test_the_playhead_knows_the_seconds_at_which_notes_sound(short_chorales: list[Piece]) -> None:
    from ostinato.music.conversion import to_symusic

    for piece in short_chorales:
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
    page = page_of(Sample("silence", Piece("x", 4, np.zeros(0, NOTE)), {None: MP3}))
    assert "no notes" in text_of(page)


def test_the_same_samples_give_the_same_page(short_chorales: list[Piece]) -> None:
    samples = [Sample(p.name, p, VOICES) for p in short_chorales[:2]]
    assert page_of(*samples) == page_of(*samples)

"""Scores and tunes that would grow without bound, or reach outside, are refused with a reason."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from mutants import survives

from ostinato.errors import UnreadableError
from ostinato.music import abc, limits
from ostinato.music.musicxml import read_musicxml
from ostinato.music.piece import Piece
from ostinato.music.reading import read

NOTE = "<note><pitch><step>C</step>{}<octave>4</octave></pitch><duration>{}</duration></note>"
TIME = "<attributes><time><beats>{}</beats><beat-type>{}</beat-type></time></attributes>"
DIVISIONS = "<attributes><divisions>{}</divisions></attributes>"
REPEAT = '<barline><repeat direction="{}"{}/></barline>'
CONTAINER = "<container><rootfiles>{}</rootfiles></container>"
ROOTFILE = '<rootfile full-path="{}"/>'
NAMED = "META-INF/container.xml"


def note(duration: int | str = 4, alter: str = "") -> str:
    return NOTE.format(alter and f"<alter>{alter}</alter>", duration)


def score(*bars: str, doctype: str = "") -> bytes:
    measures = "".join(f"<measure>{bar}</measure>" for bar in bars)
    parts = f'<part-list><score-part id="P1"/></part-list><part id="P1">{measures}</part>'
    return f'<?xml version="1.0"?>{doctype}<score-partwise>{parts}</score-partwise>'.encode()


def piece_of(data: bytes, folder: Path) -> Piece:
    path = folder / "x.musicxml"
    path.write_bytes(data)
    piece = read_musicxml(path, "x")
    survives(piece, folder / "again.mid")
    return piece


PLAIN = '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.1 Partwise//EN" "x.dtd">'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 20))
REFUSED = {
    "declares an entity": score(
        note(), doctype=f'<!DOCTYPE score-partwise [<!ENTITY l0 "ha">{LAUGHS}]>'
    ),
    r"declares an entity \(outside\)": score(
        note(), doctype='<!DOCTYPE x [<!ENTITY outside SYSTEM "file:///etc/passwd">]>'
    ),
    r"declares an entity \(of\)": score(
        note(), doctype='<!DOCTYPE x [<!ENTITY % of SYSTEM "http://localhost:1/">%of;]>'
    ),
    "with its repeats it is far too long": score(
        note(), note() + REPEAT.format("backward", ' times="1000000000000"')
    ),
    "repeats come to more than 100000 passages": score(
        DIVISIONS.format(1000) + note(1),
        *[REPEAT.format("forward", "") + note(1)] * 20,
        *[note(1) + REPEAT.format("backward", "")] * 20,
    ),
    "it has 6000 repeats": score(*[note() + REPEAT.format("backward", "")] * 6_000),
    r"its repeats come to 1000002 notes": score(
        DIVISIONS.format(100) + note(1),
        REPEAT.format("forward", "") + note(1),
        note(1) * 1000 + REPEAT.format("backward", ' times="1000"'),
    ),
    "it lasts 1000000000 quarter": score(note(10**9)),
    "it lasts 200000 quarter": score(
        note(200_000) + "<backup><duration>200000</duration></backup>"
    ),
    "more than 10000000 ticks": score(*(DIVISIONS.format(p) + note() for p in (9973, 9967, 9949))),
    "less than one part": score(DIVISIONS.format(0) + note()),
    "altered by more than 12": score(note(alter="1000000000")),
    "a pitch of 300": score(note(), NOTE.replace("4</o", "24</o").format("", 4)),
    "a pitch of 12012": score(note(), NOTE.replace("4</o", f"{9**30}</o").format("", 4)),
    "a pitch that is none": score(note(), NOTE.replace("4</o", "4,5</o").format("", 4)),
    "bar 2 of part 1 has a note without a duration": score(note(), note("four")),
    "no parts with bars": b"<score-timewise/>",
    "not a score in MusicXML, but has 'html' inside": b"<html/>",
    "it is no XML": b"<score-partwise>",
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_would_grow_is_refused(reason: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=reason):
        piece_of(REFUSED[reason], tmp_path)


def test_more_elements_than_memory_is_meant_for_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="more than 3000000 elements"):
        piece_of(score("<a/>" * 3_000_001), tmp_path)


def test_a_plain_doctype_is_read(tmp_path: Path) -> None:
    assert len(piece_of(score(note(), doctype=PLAIN), tmp_path).notes) == 1


def test_repeats_are_still_played(tmp_path: Path) -> None:
    twice = REPEAT.format("backward", ' times="3"')
    assert len(piece_of(score(note(), note() + twice, note()), tmp_path).notes) == 7


def test_dynamics_beyond_midi_are_as_loud_as_midi_can(tmp_path: Path) -> None:
    loud = piece_of(score('<sound dynamics="300"/>' + note()), tmp_path)
    assert loud.notes["velocity"].tolist() == [127]


def test_finer_note_values_than_midi_has_are_rounded(tmp_path: Path) -> None:
    piece = piece_of(score(*(DIVISIONS.format(p) + note(p) for p in (997, 991))), tmp_path)
    assert piece.resolution == 10_080
    assert piece.notes["onset"].tolist() == [0, 10_080]


def test_bar_of_a_thousand_whole_notes_is_written_as_midi_can(tmp_path: Path) -> None:
    piece = piece_of(score(TIME.format(4, 4) + note(4_000), note(4), note(4)), tmp_path)
    assert piece.time_signatures["numerator"].max() == 255
    assert {4_000, 4_004} <= set(piece.barlines().tolist())


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    for suffix, most in ((".musicxml", 64), (".mxl", 16), (".abc", 16), (".mid", 16)):
        path = tmp_path / f"huge{suffix}"
        with path.open("wb") as file:
            file.truncate(2**40)
        with pytest.raises(UnreadableError, match=f"1048576.0 MiB: up to {most} are read"):
            list(read(path))


def archive(members: dict[str, bytes], container: str | None = "score.xml") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        if container is not None:
            packed.writestr(NAMED, CONTAINER.format(ROOTFILE.format(container)))
        for name, content in members.items():
            packed.writestr(name, content)
    return out.getvalue()


def unpacked(data: bytes, folder: Path) -> Piece:
    path = folder / "inner" / "x.mxl"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    try:
        return read_musicxml(path, "x")
    finally:
        assert [p for p in folder.rglob("*") if p.is_file()] == [path], "nothing is unpacked"


GOOD = score(note())


@pytest.mark.parametrize("name", ["../../score.xml", "/etc/score.xml", "a/b.xml", "score.xml"])
def test_a_name_in_an_archive_is_only_a_name(name: str, tmp_path: Path) -> None:
    assert len(unpacked(archive({name: GOOD}, name), tmp_path).notes) == 1


def test_the_first_of_several_scores_is_read(tmp_path: Path) -> None:
    two = archive(
        {"a.xml": GOOD, "b.xml": score(note(), note())}, 'a.xml"/><rootfile full-path="b.xml'
    )
    assert len(unpacked(two, tmp_path).notes) == 1


def flagged_as_encrypted(data: bytes) -> bytes:
    at = data.rindex(b"PK\x01\x02")
    return data[: at + 8] + b"\x01" + data[at + 9 :]


def declared_shorter(data: bytes) -> bytes:
    at = data.rindex(b"PK\x01\x02")
    return data[: at + 24] + (1000).to_bytes(4, "little") + data[at + 28 :]


ARCHIVES = {
    "has 2 scores and no 'META-INF/container.xml'": archive({"a.xml": GOOD, "b.xml": GOOD}, None),
    "has 0 scores and no 'META-INF/container.xml'": archive({"a.txt": GOOD}, None),
    "names no score": archive({NAMED: b"<container/>", "score.xml": GOOD}, None),
    "no '../../etc/passwd'": archive({"score.xml": GOOD}, "../../etc/passwd"),
    "is encrypted": flagged_as_encrypted(archive({"score.xml": GOOD})),
    "it is no XML": archive({"score.xml": archive({"score.xml": GOOD})}),
    "File is not a zip file": GOOD,
    "declares an entity": archive({"score.xml": REFUSED["declares an entity"]}),
}


@pytest.mark.parametrize("reason", ARCHIVES)
def test_a_hostile_archive_is_refused(reason: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=reason):
        unpacked(ARCHIVES[reason], tmp_path)


def test_an_archive_that_would_unpack_to_far_more_is_refused(tmp_path: Path) -> None:
    bomb = archive({"score.xml": bytes(65 * 2**20)})
    with pytest.raises(UnreadableError, match=r"unpacked has 65\.0 MiB: up to 64 are read"):
        unpacked(bomb, tmp_path)
    with pytest.raises(UnreadableError, match="Bad CRC-32"):
        unpacked(declared_shorter(bomb), tmp_path)


HEAD = "X:1\nM:4/4\nL:1/4\nK:C\n"
TUNES = {
    "metre is not readable: M:99999999/4": "X:1\nM:99999999/4\nK:C\nCDEF|",
    "unit note length is not readable: L:1/100000": HEAD.replace("1/4", "1/100000") + "CDEF|",
    "a length that no music has: 1000000": HEAD + "C1000000|",
    "a length that no music has: /0": HEAD + "C/0|",
    "a rest of 9999 bars": HEAD + "Z9999|",
    "a length that no music has: 9{40}": HEAD + "(3C" + "9" * 200 + "DE|",
    "is no ending": HEAD + "|:C4|1-9999999 D4:|",
    "has 20 voices": HEAD + "".join(f"V:{i}\nC4|\n" for i in range(20)),
    "its order of parts is not": HEAD.replace("K:C", "P:A9999\nK:C") + "P:A\nC4|",
    "more than 200000 notes and signs as it is played": HEAD + "|:" + "CDEF|" * 5000 + "1-20 C:|",
    "its macros make a line too long": HEAD + "m:A=" + "A" * 150 + "\n" + "A" * 1000,
    "a tune of 200020 characters": HEAD + "C" * 200_000,
}


@pytest.mark.parametrize("reason", TUNES)
def test_a_tune_that_would_grow_is_refused(reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        abc.read_tune(TUNES[reason], "x")


LONG = {
    "25 KB of bars": HEAD + "CDEF|\n" * 4_200,
    "a long word after the tune": HEAD + "CDEF|\n\n" + "a" * 150_000,
    "a long field": HEAD.replace("K:C", "K:" + "a" * 150_000) + "C|",
    "a long metre": HEAD.replace("4/4", "4" + " " * 150_000) + "C|",
    "a long metre within a line": HEAD + "[M:4" + " " * 90_000 + "]C|",
    "a long directive": HEAD + "%%MIDI" + " " * 150_000 + "\nC|",
    "ties far from their note": HEAD + "C" + "|" * 50_000 + " -" * 40_000,
    "many macros": HEAD + "".join(f"m:~{i}=A\n" for i in range(5_000)) + "C|\n" * 5_000,
    "many parts": HEAD.replace("K:C", "P:A999\nK:C") + "P:A\n" + "CDEF|" * 4_000,
    "lengths of many primes": HEAD + "".join(f"C/{n}" for n in range(3, 9_999, 2)),
    "tuplets of many primes": HEAD + "".join(f"({p}:2:1C" for p in range(2, 99)) * 200,
    "many repeats": HEAD + "C:|" * 50_000,
    "many metres": HEAD + "[M:3/4]C3|[M:4/4]C4|" * 9_000,
    "a chord of 20,000 notes": HEAD + "[" + "C" * 20_000 + "]|",
    "many overlays": HEAD + "C4&" * 5_000 + "C4|",
    "quotes": HEAD + '"' * 100_001,
    "brackets": HEAD + "[" * 100_000,
    "colons": HEAD + ":" * 100_000,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_tune_takes_no_longer_than_it_is_long(text: str) -> None:
    reason = ""
    try:
        with limits.cpu_seconds(20):
            abc.read_tune(text, "x")
    except UnreadableError as error:
        reason = str(error)
    assert "longer than" not in reason


def test_numbers_in_the_words_of_a_tune_are_no_lengths() -> None:
    words = "X:1\nT:Hornpipe C1799\nS:abc2000, M:12345\nM:4/4 % 1850\nL:1/4\nK:C\n% A1000\n"
    assert len(abc.read_tune(words + "CDEF|\n", "x").notes) == 4


def test_too_many_tunes_or_headers_are_refused() -> None:
    with pytest.raises(UnreadableError, match="it has 100001 tunes"):
        abc.tunes("X:1\n" * 100_001)
    with pytest.raises(UnreadableError, match="50000 tunes share a header of 10003"):
        abc.tunes("N:" + "n" * 10_000 + "\n" + "X:1\n" * 50_000)


def test_the_numbers_of_a_score_are_whole_to_the_last_note(tmp_path: Path) -> None:
    piece = piece_of(score(*[note(4)] * 100), tmp_path)
    assert np.array_equal(piece.notes["onset"], np.arange(0, 400, 4))

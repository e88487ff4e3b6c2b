"""ABC tunes: what they write is what is read, or they are refused with the reason."""

from fractions import Fraction
from pathlib import Path

import music21
import numpy as np
import pytest

from ostinato.errors import UnreadableError
from ostinato.music import abc, remarks
from ostinato.music.piece import LOUDNESS, Piece

CORPUS = Path(music21.__file__).parent / "corpus"
HEAD = "X:1\nT:Test\nM:4/4\nL:1/4\nK:C\n"


def read(text: str) -> Piece:
    return abc.read_tune(text, "test")


def notes(piece: Piece) -> str:
    """Onset:duration:pitch of each note, in quarter notes, in their order."""
    return " ".join(
        f"{Fraction(int(n['onset']), 480)}:{Fraction(int(n['duration']), 480)}:{n['pitch']}"
        for n in piece.notes
    )


def pitches(text: str) -> list[int]:
    return read(HEAD + text).notes["pitch"].tolist()


def bars(piece: Piece) -> list[float]:
    return (piece.barlines() / piece.resolution).tolist()


def test_a_file_is_split_into_its_tunes() -> None:
    text = abc.read_text(CORPUS / "essenFolksong" / "teste.abc")
    assert len(abc.tunes(text)) == text.count("X:")


def test_the_header_of_a_file_belongs_to_every_tune_and_free_text_to_none() -> None:
    text = "M:3/4\nfree text\nX:1\nK:C\nX:2\nK:D\n"
    assert abc.tunes(text) == ["M:3/4\nX:1\nK:C\n", "M:3/4\nX:2\nK:D\n"]


def test_paragraphs_without_any_x_field_are_tunes_where_they_have_a_key() -> None:
    text = "A collection\n\nT:a\nK:C\nCDE|\n\nT:b\nK:D\nDEF|\n"
    assert [read(tune).notes["pitch"][0] for tune in abc.tunes(text)] == [60, 62]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_texts_in_older_and_newer_encodings_are_read(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "old.abc"
    path.write_bytes((HEAD + "C4 |]").replace("Test", "Müller").encode(encoding))
    assert "Müller" in abc.read_text(path)
    assert np.array_equal(read(abc.read_text(path)).notes["pitch"], [60])


def test_lines_may_end_as_on_any_machine(tmp_path: Path) -> None:
    path = tmp_path / "old.abc"
    path.write_bytes((HEAD + "CD|\nEF|").replace("\n", "\r").encode())
    assert pitches(abc.read_text(path).removeprefix(HEAD)) == [60, 62, 64, 65]


def test_arkansas_traveller_is_played_with_its_repeats() -> None:
    text = abc.read_text(CORPUS / "ryansMammoth" / "ArkansasTravellerReel.abc")
    assert len(read(text).notes) == 212


@pytest.mark.parametrize(
    "between", [":| |:", ":|\n|:", ":|:", "::", ":||:", ":|", ":|]|:", ":|\n:"]
)
def test_repeats_are_played(between: str) -> None:
    first, second = [60, 62, 64, 65, 67], [72, 71, 69]
    assert pitches(f"|: C D E F | G4 {between} c2 B2 | A4 :|") == 2 * first + 2 * second


PLAYED = {
    "C4|[1 D4:|[2 E4|]": "CDCE",
    "C4|1 D4:|2 E4|F4:|": "CDCEF",
    "C4|1,3 D4:|2 E4:|4 F4|]": "CDCECDCF",
    "C4|1-3 D4:|4 E4|]": "CDCDCDCE",
    'C4|["1." D4:|["2." E4|]': "CDCE",
    "C4|[1, 2 D4:|[3 E4|]": "CDCDCE",
    "C4|1,3 D4:|2,4 E4:|": "CDCECDCE",
    "C4|1 D4:|E4|]": "CDCE",
    "C4|1 D4:|2 E4||F4|1 G4:|2 A4|]": "CDCEFGFA",
    "C4|1 D4:|\n|2 E4|]": "CDCE",
    "|::C4::|D4|]": "CCCD",
    "|:C4|D4|:E4:|": "CDCDEE",
    "|:C4|D4|]": "CD",
    "C4:|D4:|E4|]": "CCDDE",
    "C4|]D4:|": "CDCD",
    "P:A\nC4:|\nP:B\nD4|E4:|": "CCDEDE",
}


@pytest.mark.parametrize("text", PLAYED)
def test_endings_and_sections_are_played_in_their_order(text: str) -> None:
    names = {60: "C", 62: "D", 64: "E", 65: "F", 67: "G", 69: "A"}
    assert "".join(names[pitch] for pitch in pitches(text)) == PLAYED[text]


@pytest.mark.parametrize(
    ("order", "played"), [("ABA", "CDC"), ("A2B", "CCD"), ("(AB)2A", "CDCDC"), ("A.B", "CD")]
)
def test_parts_are_played_in_the_order_of_the_header(order: str, played: str) -> None:
    text = HEAD.replace("K:C", f"P:{order}\nK:C") + "P:A\nC4|\nP:B\nD4|\n"
    assert ["CD"[(pitch - 60) // 2] for pitch in read(text).notes["pitch"]] == list(played)


def test_all_voices_are_repeated_where_the_repeat_has_no_start() -> None:
    piece = read(HEAD + "V:1\nc4|d4:|e4|f4:|\nV:2\nC4|D4:|E4|F4:|\n")
    assert piece.track(0)["pitch"].tolist() == [72, 74, 72, 74, 76, 77, 76, 77]
    assert piece.track(1)["pitch"].tolist() == [60, 62, 60, 62, 64, 65, 64, 65]


def test_a_repeat_goes_back_to_the_key_metre_and_tempo_that_were_in_force() -> None:
    piece = read(HEAD + "|:F4|[K:D][M:3/4][L:1/8][Q:1/4=90]F6:|")
    assert notes(piece) == "0:4:65 4:3:66 7:4:65 11:3:66"
    assert [(t[0] // 480, *t[1:]) for t in piece.time_signatures.tolist()] == [
        (0, 4, 4),
        (4, 3, 4),
        (7, 4, 4),
        (11, 3, 4),
    ]
    assert [k[1] for k in piece.key_signatures.tolist()] == [0, 2, 0, 2]


WRITTEN = {
    "a tie, a chord symbol and a chord": (
        '"Am" C4- | C2 D2 | [CEG]4 |]',
        "0:6:60 6:2:62 8:4:60 8:4:64 8:4:67",
    ),
    "a tie that stands apart": ("C4-|\n-C4|", "0:8:60"),
    "a tie to another pitch": ("C4-|D4|", "0:4:60 4:4:62"),
    "ties of two notes of a chord": ("[C-E]2[CG]2|", "0:4:60 0:2:64 2:2:67"),
    "a chord with a length": ("[C2E2]2|", "0:4:60 0:4:64"),
    "an old chord": ("+CE+2D2|", "0:2:60 0:2:64 2:2:62"),
    "octave marks on either letter": ("C,c,cC'|", "0:1:48 1:1:60 2:1:72 3:1:72"),
    "lengths": ("C/C//C/4C3/2C3/2|", "0:1/2:60 1/2:1/4:60 3/4:1/4:60 1:3/2:60 5/2:3/2:60"),
    "broken rhythm": ("C>DC<<D|", "0:3/2:60 3/2:1/2:62 2:1/4:60 9/4:7/4:62"),
    "broken rhythm within slurs": ("(C<D)(E>.F)|", "0:1/2:60 1/2:3/2:62 2:3/2:64 7/2:1/2:65"),
    "a triplet": ("(3CDE F2|", "0:2/3:60 2/3:2/3:62 4/3:2/3:64 2:2:65"),
    "a slurred triplet": ("((3CDE)F2|", "0:2/3:60 2/3:2/3:62 4/3:2/3:64 2:2:65"),
    "a tuplet in full": ("(5:4:5CDEFG|", "0:4/5:60 4/5:4/5:62 8/5:4/5:64 12/5:4/5:65 16/5:4/5:67"),
    "an accidental to the bar's end": ("^C C c C|C4|", "0:1:61 1:1:61 2:1:73 3:1:61 4:4:60"),
    "an accidental over a line's end": ("^C C\nC C|", "0:1:61 1:1:61 2:1:61 3:1:61"),
    "a natural": ("^F =F F F|", "0:1:66 1:1:65 2:1:65 3:1:65"),
    "double accidentals": ("^^C2__D2|", "0:2:62 2:2:60"),
    "rests": ("C z/ x/ y D2|", "0:1:60 2:2:62"),
    "rests of bars": ("C4|Z2|D4|", "0:4:60 12:4:62"),
    "old and new line breaks": ("CD!EF|!G4|$A4|", "0:1:60 1:1:62 2:1:64 3:1:65 4:4:67 8:4:69"),
    "decorations": ("!trill!C+fermata+D .E ~F|TG4|", "0:1:60 1:1:62 2:1:64 3:1:65 4:4:67"),
    "an unknown decoration": ("kC D E F|", "0:1:60 1:1:62 2:1:64 3:1:65"),
    "grace notes": ("{gag}C2{/b}D2|", "0:2:60 2:2:62"),
    "lyrics and words": ("C4|\nw:la\nD4|\nW:la la\n", "0:4:60 4:4:62"),
    "a comment": ("C2 % D2\nE2|", "0:2:60 2:2:64"),
    "a text of several lines": ("%%begintext\nD E F|\n%%endtext\nC4|", "0:4:60"),
    "a continued line": ("C2 \\\nD2|", "0:2:60 2:2:62"),
    "remains of a mail": ("C2 =\nD2|=20\nE4|", "0:2:60 2:2:62 4:4:64"),
    "a bar that ends with its line": ("C|_E D E F\nE D E F|", "0:1:60 1:1:63 2:1:62 3:1:63 4:1:65 "
                                      "5:1:64 6:1:62 7:1:64 8:1:65"),
    "an overlay shorter than its bar": ("C4&E2|D4&F4|", "0:4:60 0:2:64 4:4:62 4:4:65"),
    "a key": ("[K:Ador]F4|[K:HP]C4|[K:D =c]C4|[K:none]F4|", "0:4:66 4:4:61 8:4:60 12:4:65"),
    "an octave of a clef": ("[K:clef=treble-8]C4|[K:clef=treble]C4|", "0:4:48 4:4:60"),
    "accidentals of the octave": (
        "[I:propagate-accidentals octave]^c C c2|", "0:1:73 1:1:60 2:2:73"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_read(name: str) -> None:
    text, right = WRITTEN[name]
    assert notes(read(HEAD + text)) == right


def test_a_macro_is_written_out() -> None:
    assert pitches("m:~G2={A}G{F}G\n~G2 A2|") == [67, 67, 69]


def test_two_voices_are_two_tracks_with_their_names_and_instruments() -> None:
    text = HEAD.replace("K:C", 'V:S name="Sopran"\n%%MIDI program 40\nV:B name="Bass"\nK:C')
    piece = read(text + "V:S\nc4-|\nV:B transpose=-12\nC4|\nV:S\nc4|\nV:B\n[I:MIDI program 73]D4|")
    assert notes(piece) == "0:8:72 0:4:48 4:4:50"
    assert piece.notes["program"].tolist() == [40, 0, 73]
    piece = read(text + "V:S\nc4|\nV:B\nC4|\n")
    assert piece.track_names == ("Sopran", "Bass")


def test_a_voice_whose_number_comes_back_is_one_voice() -> None:
    piece = read(HEAD + "V:3\nC4|\nV:3\nD4|\n")
    assert notes(piece) == "0:4:60 4:4:62"


def test_percussion_is_drums() -> None:
    piece = read(HEAD + "V:1\nC4|\nV:2\n%%MIDI channel 10\n%%MIDI drummap G 36\nG4|\n")
    assert piece.track(1)[["pitch", "drum"]].tolist() == [(36, True)]


@pytest.mark.parametrize(
    ("text", "qpm"),
    [
        ("1/4=72", 72.0),
        ("3/8=40", 60.0),
        ('"Fast" 1/4=99.5', 99.5),
        ("1/4 3/8=40", 100.0),
        ("C=120", 120.0),
        ("1/4=ca. 60", 60.0),
        ("60", 60.0),
        ('"Allegro"', 120.0),
    ],
)
def test_a_tempo_is_read(text: str, qpm: float) -> None:
    assert read(HEAD.replace("K:C", f"Q:{text}\nK:C") + "C4|").tempos.tolist() == [(0, qpm)]


@pytest.mark.parametrize("text", ["", "Q:\n", "Q:1/4=0\n", 'Q:"Swing it"\n', "Q:3/8=1/4\n"])
def test_without_a_readable_tempo_there_is_none(text: str) -> None:
    assert len(read(HEAD.replace("K:C", f"{text}K:C") + "C4|").tempos) == 0


def test_a_tempo_of_any_voice_is_in_its_place() -> None:
    piece = read(HEAD.replace("K:C", "Q:90\nK:C") + "V:1\nC4|C4|\nV:2\nC4|[Q:1/4=60]C4|")
    assert piece.tempos.tolist() == [(0, 90.0), (1920, 60.0)]


@pytest.mark.parametrize(
    ("metre", "unit"), [("2/4", 16), ("3/4", 8), ("C|", 8), ("2+3/16", 16), ("none", 8)]
)
def test_without_a_unit_the_metre_decides_it(metre: str, unit: int) -> None:
    piece = read(f"X:1\nM:{metre}\nK:C\nC|")
    assert piece.notes["duration"].tolist() == [4 * 480 // unit]


def test_a_pickup_is_a_short_first_bar() -> None:
    piece = read(HEAD + "G|C4|D3:|")
    assert bars(piece) == [0, 1, 5, 9, 13]
    assert piece.time_signatures.tolist() == [(0, 1, 4), (480, 4, 4)]


def test_a_double_bar_within_a_bar_divides_none() -> None:
    assert bars(read(HEAD + "C4|D2||E2|F4|")) == [0, 4, 8]


def test_bars_without_barlines_are_those_of_the_metre() -> None:
    assert bars(read(HEAD + "CDEFGABcdc")) == [0, 4, 8]
    assert bars(read(HEAD + "C4|CDEFGABc|C4|")) == [0, 4, 8, 12]
    assert bars(read(HEAD + "C4|CDEFG|C4|CDEFG|")) == [0, 4, 9, 13]


def test_the_names_of_voices_end_with_any_space() -> None:
    assert read(HEAD + "V:1\tname=a\nC4|\nV:2 name=b\nE4|").track_names == ("a", "b")


def test_free_metre_has_no_signature() -> None:
    assert len(read(HEAD.replace("M:4/4", "M:none") + "C4|D2|").time_signatures) == 0


def test_notes_are_as_loud_as_those_of_scores() -> None:
    assert set(read(HEAD + "C !ff!D E F|").notes["velocity"].tolist()) == {LOUDNESS}


REFUSED = {
    "it has no K: field": "hello",
    "it has no notes": HEAD,
    "line 6 of the tune: 'This is prose' is no ABC music": HEAD + "This is prose\n",
    "music stands after a blank line": HEAD + "CDEF|\n\nGABc|\n",
    "it has microtones": HEAD + "^/C D|",
    "its ending 2 is missing": HEAD + "|:C4|1 D4:|3 E4|]",
    "an ending follows a repeat that has no first ending": HEAD + "|:C4:|2 D4|]",
    "where a repeat with endings begins": HEAD + "|:C4|1 D4:|2 E4|F4|1 G4:|2 A4|]",
    "a voice has no part B": HEAD.replace("K:C", "P:AB\nK:C") + "P:A\nC4|",
    "its order of parts is not readable": HEAD.replace("K:C", "P:(AB\nK:C") + "P:A\nC4|\nP:B\nD4|",
    "its metre is not readable: M:3/7": "X:1\nM:3/7\nK:C\nC4|",
    "its unit note length is not readable: L:1/6": HEAD.replace("1/4", "1/6") + "C4|",
    "First K: field must specify key": HEAD.replace("K:C", "K:h") + "C4|",
    "Unusual key": HEAD.replace("K:C", "K:G#") + "C4|",
    "Cannot apply broken rhythm": HEAD + "C3>D|",
    "nested tuples": HEAD + "(3CD(3EFG|",
    "a note beyond MIDI's": HEAD + "c''''''''|",
    "overlays of several bars": HEAD + "(&C4|D4&)E4|F4|",
    "a rest of whole bars has no length": HEAD.replace("4/4", "none") + "C4|Z|",
    "a voice is transposed by shift=CD": HEAD.replace("K:C", "K:C shift=CD") + "C4|",
    "transposes, which is not read": HEAD + "m:~n2=o/n\n~C2|",
    "does not end": HEAD + '"Am C4|',
    "'\\[C!\\]' is no chord": HEAD + "[C!]|",
    "it has 16 voices": HEAD + "".join(f"V:{i}\nC4|\n" for i in range(16)),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_read_rightly_is_refused(reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read(REFUSED[reason])


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        (HEAD.replace("4/4", "FREI4/4") + "C4|", "its metre is not readable: M:FREI4/4: left out"),
        (HEAD.replace("K:C", "Q:1/4=0\nK:C") + "C4|", "its tempo is not readable and left out"),
        (HEAD.replace("K:C", 'Q:"Swing it"\nK:C') + "C4|", "a tempo in words is not readable"),
        (HEAD + 'C4|"_D.C."D4|', "it has a D.C. or D.S., which is not followed"),
        (HEAD + "C4|!D.S.!D4|", "it has a D.C. or D.S., which is not followed"),
    ],
)
def test_what_is_left_out_is_remarked(text: str, remark: str) -> None:
    with remarks.collect() as made:
        piece = read(text)
    assert piece.notes["pitch"][0] == 60
    assert len(made) == 1
    assert made[0].startswith(remark)

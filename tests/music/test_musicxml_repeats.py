"""Scores are played as a musician plays them: repeats, endings, da capo, coda and fine."""

from pathlib import Path

import pytest
from musicxml import (
    BACKWARD,
    FORWARD,
    attributes,
    direction,
    ending,
    metre,
    note,
    notes,
    part,
    pitches,
    read,
    score,
    tie,
    whole,
)

BACK = BACKWARD.format("")
C, D, E, F, G, A, B = (whole(f"{letter}4") for letter in "CDEFGAB")


def sounding(attribute: str, value: str = "yes") -> str:
    return direction(sound=f'{attribute}="{value}"')


FIRST_AND_SECOND = (C, ending("1", D), ending("2", E, repeat=False))
LOOSE_END = BACK.replace("<repeat", '<ending number="" type="stop"/><repeat')
SEGNO, DAL_SEGNO = sounding("segno", "s"), sounding("dalsegno", "s")
CODA, TO_CODA = sounding("coda", "c"), sounding("tocoda", "c")
SCORES = {
    "without a beginning": ((C + BACK, D + BACK), "CCDD"),
    "from the beginning of the piece": ((C, D + BACK, E), "CDCDE"),
    "one bar": ((C, FORWARD + D + BACK, E), "CDDE"),
    "two side by side": ((FORWARD + C + BACK, FORWARD + D + BACK), "CCDD"),
    "one within another": ((FORWARD + C, FORWARD + D + BACK, E + BACK, F), "CDDECDDEF"),
    "three times": ((FORWARD + C + BACKWARD.format(' times="3"'), D), "CCCD"),
    "once is no repeat": ((FORWARD + C + BACKWARD.format(' times="1"'), D), "CD"),
    "first and second ending": ((C, ending("1", D), ending("2", E, repeat=False), F), "CDCEF"),
    "second ending with a repeat": ((FORWARD + C, ending("1", D), ending("2", E), F), "CDCEF"),
    "first ending alone": ((FORWARD + C, ending("1", D), E), "CDCE"),
    "endings 1, 2 and 3": (
        (FORWARD + C, ending("1,2", D), ending("3", E, repeat=False, stop="discontinue"), F),
        "CDCDCEF",
    ),
    "endings 1 to 3 and 4": ((C, ending("1-3", D), ending("4", E, repeat=False)), "CDCDCDCE"),
    "endings of a second repeat": (
        (*FIRST_AND_SECOND, FORWARD + F, ending("1", G), ending("2", A, repeat=False)),
        "CDCEFGFA",
    ),
    "endings without their repeat": (
        (FORWARD + C, ending("1", D, repeat=False), ending("2", E, repeat=False), F),
        "CDCEF",
    ),
    "a first ending of which only the end is there": (
        (C, D + LOOSE_END, ending("2", E, repeat=False), F),
        "CDCEF",
    ),
    "an ending that nothing repeats": ((C, ending("2", D, repeat=False), E), "CDE"),
    "an ending without a number": ((C, ending(" ", D, repeat=False), E), "CDE"),
    "da capo": ((C, D + sounding("dacapo")), "CDCD"),
    "da capo al fine": ((C + sounding("fine"), D, E + sounding("dacapo")), "CDEC"),
    "da capo after repeats": (
        (FORWARD + C + BACK, D + sounding("fine"), E + sounding("dacapo")),
        "CCDECD",
    ),
    "da capo with the last ending": (
        (FORWARD + C, ending("1", D), ending("2", E, repeat=False), F + sounding("dacapo")),
        "CDCEFCEF",
    ),
    "dal segno": ((C, SEGNO + D, E + DAL_SEGNO, F), "CDEDEF"),
    "dal segno al coda": (
        (C, SEGNO + D + TO_CODA, E + DAL_SEGNO, CODA + F),
        "CDEDF",
    ),
    "da capo al coda": (
        (C + TO_CODA, D + sounding("dacapo"), CODA + E),
        "CDCE",
    ),
    "a coda with a repeat": (
        (C + TO_CODA, D + sounding("dacapo"), CODA + FORWARD + E + BACK),
        "CDCEE",
    ),
    "dal segno of the right name": (
        (sounding("segno", "a") + C, sounding("segno", "b") + D, E + sounding("dalsegno", "b")),
        "CDEDE",
    ),
    "fine and no da capo": ((C + sounding("fine"), D), "CD"),
    "dal segno without a segno": ((C, D + sounding("dalsegno", "s"), E), "CDE"),
    "words alone": (
        (C + direction("<words>Fine</words>"), D + direction("<words>D.C. al Fine</words>")),
        "CDC",
    ),
    "signs alone": (
        (C, direction("<segno/>") + D, E + direction("<words>D.S.</words>"), F),
        "CDEDEF",
    ),
    "a repeat that a sound implies": (
        (C, sounding("forward-repeat") + D, E + BACK),
        "CDEDE",
    ),
}


@pytest.mark.parametrize("name", SCORES)
def test_the_bars_are_played_in_order(name: str, tmp_path: Path) -> None:
    bars, expected = SCORES[name]
    piece = read(score(part(*bars)), tmp_path)
    assert pitches(piece) == expected
    assert piece.notes["onset"].tolist() == [4 * index for index in range(len(expected))]


def test_a_repeat_may_end_within_a_bar(tmp_path: Path) -> None:
    middle = '<barline location="middle"><repeat direction="backward"/></barline>'
    piece = read(score(part(note("C4", 1) + note("D4", 2) + middle + note("E4", 1))), tmp_path)
    assert pitches(piece) == "CDCDE"
    assert piece.notes["onset"].tolist() == [0, 1, 3, 4, 6]


def test_signs_of_any_part_hold_for_all(tmp_path: Path) -> None:
    piece = read(score(part(FORWARD + C + BACK, D), part(E, F)), tmp_path)
    assert notes(piece, 1) == [(0, 4, 64), (4, 4, 64), (8, 4, 65)]


def test_metre_key_and_tempo_go_back_with_the_music(tmp_path: Path) -> None:
    first = attributes("<key><fifths>1</fifths></key>") + '<sound tempo="60"/>' + C
    second = metre(3, 4) + attributes("<key><fifths>2</fifths></key>") + '<sound tempo="90"/>'
    piece = read(score(part(first, second + note("D4", 3) + BACK)), tmp_path)
    assert piece.time_signatures.tolist() == [(0, 4, 4), (4, 3, 4), (7, 4, 4), (11, 3, 4)]
    assert piece.key_signatures["fifths"].tolist() == [1, 2, 1, 2]
    assert piece.tempos.tolist() == [(0, 60), (4, 90), (7, 60), (11, 90)]


def test_a_tie_leads_into_either_ending(tmp_path: Path) -> None:
    stop = note("G4", 4, tie("stop"))
    bars = (note("G4", 4, tie("start")), ending("1", stop), ending("2", stop, repeat=False))
    assert notes(read(score(part(*bars)), tmp_path)) == [(0, 8, 67), (8, 8, 67)]


def test_a_note_may_sound_in_some_passes_only(tmp_path: Path) -> None:
    bar = FORWARD + note("C4", 2, time_only="1") + note("D4", 2, time_only="2") + BACK
    assert notes(read(score(part(bar)), tmp_path)) == [(0, 2, 60), (6, 2, 62)]

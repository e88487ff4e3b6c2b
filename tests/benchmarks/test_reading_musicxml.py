"""Readers of MusicXML are compared by what they read, and each difference has its kind."""

from pathlib import Path

import pytest

import reading_musicxml
from reading_musicxml import READERS, cases, compare

BAR = "<note><pitch><step>{}</step><octave>4</octave></pitch><duration>4</duration>{}</note>"
REPEAT = '<barline location="right"><repeat direction="backward"/></barline>'
RESTS = "<note><rest/><duration>4</duration></note>" * 2


def score(folder: Path, *parts: tuple[str, ...]) -> Path:
    """Parts of bars in 4/4."""
    time = "<time><beats>4</beats><beat-type>4</beat-type></time>"
    first = f"<attributes><divisions>1</divisions>{time}</attributes>"
    names = [f"P{number}" for number in range(len(parts))]
    listed = "".join(
        f'<score-part id="{name}"><part-name>{name}</part-name></score-part>' for name in names
    )
    written = "".join(
        f'<part id="{name}">'
        + "".join(
            f'<measure number="{number}">{first if number == 1 else ""}{bar}</measure>'
            for number, bar in enumerate(bars, 1)
        )
        + "</part>"
        for name, bars in zip(names, parts, strict=True)
    )
    path = folder / "score.musicxml"
    path.write_text(
        f"<score-partwise><part-list>{listed}</part-list>{written}</score-partwise>",
        encoding="utf-8",
    )
    return path


def note(step: str, inside: str = "") -> str:
    return BAR.format(step, inside)


TIED = '<tie type="start"/>', '<tie type="stop"/>'


@pytest.mark.parametrize(
    ("kinds", "parts"),
    [
        ([""], [(note("C"), note("D"))]),
        (["order of repeats"], [(note("C") + REPEAT, note("D") + REPEAT)]),
        (["", "places of bars"], [(note("C"), note("D")), (RESTS, note("E"))]),
        (
            ["ties"],
            [
                (
                    note("C", TIED[0]) + note("E", TIED[0]).replace("<note>", "<note><chord/>"),
                    note("C", TIED[1]),
                )
            ],
        ),
    ],
)
def test_a_difference_from_music21_has_its_kind(
    kinds: list[str], parts: list[tuple[str, ...]], tmp_path: Path
) -> None:
    assert compare(score(tmp_path, *parts)) == kinds


def test_ours_has_every_case_right_and_no_other_reader_has() -> None:
    right = {name: int(found.split()[0]) for name, found in cases().items()}
    assert set(right) == set(READERS)
    assert right["ostinato"] == max(right.values()) > right["music21"] > right["muspy"]


def test_scores_to_compare_are_those_that_music21_carries() -> None:
    scores = reading_musicxml.carried_scores()
    assert len(scores) == 244
    assert not any(name.startswith("bach/") for name in scores)

"""Masses of Palestrina, held against a plain reading of the **kern text itself."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

from ostinato.corpora.sources.packaged import Palestrina, as_midi_holds_it
from ostinato.errors import UnreadableError
from ostinato.music.music21_parts import read_kern
from ostinato.music.reading import read_midi
from ostinato.music.writing import write_midi

SHORT = sorted(Palestrina().jobs(), key=lambda job: (job[0].stat().st_size, job[1]))[:600:30]
STEPS = dict(zip("cdefgab", (0, 2, 4, 5, 7, 9, 11), strict=True))

Sound = tuple[Fraction, Fraction, int]  # onset and duration in quarter notes, MIDI pitch


def pitch(token: str) -> int:
    letters = "".join(re.findall("[A-Ga-g]", token))
    low, count = letters[0].isupper(), len(letters)
    octave = 4 - count if low else 3 + count
    altered = token.count("#") - token.count("-")
    return 12 * (octave + 1) + STEPS[letters[0].lower()] + altered


def quarters(token: str) -> Fraction:
    found = re.search(r"(\d+)(\.*)", token)
    assert found
    whole = Fraction(8) if found[1] == "0" else Fraction(4, int(found[1]))
    return whole * (2 - Fraction(1, 2 ** len(found[2])))


def spine(tokens: list[str]) -> list[Sound]:
    """The sounds of one spine: `[` opens a tie, `_` goes on, `]` ends it."""
    now = Fraction(0)
    sounds: list[Sound] = []
    for token in tokens:
        duration = quarters(token)
        if "]" in token or "_" in token:
            onset, before, same = sounds.pop()
            assert same == pitch(token)
            sounds.append((onset, before + duration, same))
        elif "r" not in token:
            sounds.append((now, duration, pitch(token)))
        now += duration
    return sounds


def spines(text: str) -> list[list[Sound]]:
    """All spines, from the right, which is the highest voice; rests alone are no voice."""
    rows = [line.split("\t") for line in text.splitlines() if line and line[0] not in "!*="]
    columns = [[t for t in column if t != "."] for column in zip(*rows, strict=True)]
    return [sounds for column in reversed(columns) if (sounds := spine(column))]


@pytest.mark.parametrize("job", SHORT, ids=lambda job: job[1])
def test_every_voice_has_the_notes_of_its_spine(job: tuple[Path, str, str], tmp_path: Path) -> None:
    file, name, _ = job
    piece = read_kern(file, name)
    expected = spines(file.read_text(encoding="latin-1"))
    assert len(piece.track_names) == len(expected)
    for track, sounds in enumerate(expected):
        notes = piece.track(track)
        ours = [
            (Fraction(int(n["onset"]), 480), Fraction(int(n["duration"]), 480), int(n["pitch"]))
            for n in notes
        ]
        assert ours == sounds
    held = as_midi_holds_it(piece)
    write_midi(held, tmp_path / "mass.mid")
    assert read_midi(tmp_path / "mass.mid") == held


def test_voices_are_named_and_the_highest_comes_first() -> None:
    file, name, _ = next(job for job in Palestrina().jobs() if job[1] == "Agnus_08")
    assert read_kern(file, name).track_names[0] == "Soprano"
    assert read_kern(file, name).track_names[-1] == "Bass"


def test_what_is_no_kern_says_so(tmp_path: Path) -> None:
    (tmp_path / "no.krn").write_text("la la la")
    with pytest.raises(UnreadableError, match=r"not readable as|no notes"):
        read_kern(tmp_path / "no.krn", "no")

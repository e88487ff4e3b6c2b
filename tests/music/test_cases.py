"""Small files that readers get wrong, each with its right value.

`cases/cases.json` says of each file what it shows, what is right in words, and what must hold
(`expect`; times in quarter notes, notes as [onset, duration, pitch]). `debatable` marks where
readers differ.
"""

import json
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import mido
import pytest

from defaults import build
from ostinato.errors import UnreadableError
from ostinato.music import reading
from ostinato.music.piece import Piece
from ostinato.music.writing import write_midi
from ostinato.representations.miditok.tokenizers import REMI

FOLDER = Path(__file__).parent / "cases"
CASES = {case["file"]: case["expect"] for case in json.loads((FOLDER / "cases.json").read_text())}

# Files that are still read wrongly: each must leave this set with the change that mends it.
UNMENDED: set[str] = set()


def quarters(piece: Piece, ticks: Iterable[int]) -> list[Fraction]:
    return [Fraction(int(tick), piece.resolution) for tick in ticks]


def numbers(texts: Iterable[str | int]) -> list[Fraction]:
    return [Fraction(text) for text in texts]


def notes(piece: Piece) -> list[tuple[Fraction, Fraction, int]]:
    onsets = quarters(piece, piece.notes["onset"])
    durations = quarters(piece, piece.notes["duration"])
    return sorted(zip(onsets, durations, piece.notes["pitch"].tolist(), strict=True))


def changes(piece: Piece, rows: Any) -> list[tuple[Any, ...]]:
    return [(Fraction(int(row[0]), piece.resolution), *row.tolist()[1:]) for row in rows]


def written(piece: Piece, folder: Path) -> Path:
    path = folder / "written.mid"
    write_midi(piece, path)
    return path


def tokens(piece: Piece) -> tuple[REMI, Any]:
    representation = build("representation=remi")
    representation.train([piece])
    return representation, representation.encode(piece)


def programs_heard(path: Path) -> list[int]:
    """The program in force on its channel, as a player meets each note: by time, then by track."""
    timed = []
    for number, track in enumerate(mido.MidiFile(path).tracks):
        tick = 0
        for order, message in enumerate(track):
            tick += message.time
            timed.append((tick, number, order, message))
    programs: dict[int, int] = {}
    heard = []
    for *_, message in sorted(timed, key=lambda event: event[:3]):
        if message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type == "note_on" and message.velocity:
            heard.append(programs.get(message.channel, 0))
    return heard


def check_notes(piece: Piece, expected: list[list[Any]], _: Path) -> None:
    right = [(Fraction(onset), Fraction(duration), p) for onset, duration, p in expected]
    assert notes(piece) == sorted(right)


def check_quarters(piece: Piece, expected: int, _: Path) -> None:
    assert quarters(piece, [piece.end]) == [expected]


def check_metres(piece: Piece, expected: list[list[Any]], _: Path) -> None:
    right = [(Fraction(onset), *metre) for onset, *metre in expected]
    assert changes(piece, piece.time_signatures) == right


def check_keys(piece: Piece, expected: list[list[Any]], _: Path) -> None:
    right = [(Fraction(onset), *key) for onset, *key in expected]
    assert changes(piece, piece.key_signatures) == right


def check_tempos(piece: Piece, expected: list[list[Any]], _: Path) -> None:
    right = [(Fraction(onset), pytest.approx(qpm)) for onset, qpm in expected]
    assert changes(piece, piece.tempos) == right


def check_barlines(piece: Piece, expected: list[str], _: Path) -> None:
    assert quarters(piece, piece.barlines()) == numbers(expected)


def check_programs(piece: Piece, expected: list[int], _: Path) -> None:
    assert piece.notes["program"].tolist() == expected


def check_drums(piece: Piece, expected: list[int], _: Path) -> None:
    drums = piece.notes["pitch"][piece.notes["drum"]]
    assert sorted(set(drums.tolist())) == expected


def check_tracks(piece: Piece, expected: int, _: Path) -> None:
    assert len(piece.track_names) == expected


def check_count(piece: Piece, expected: int, _: Path) -> None:
    assert len(piece.notes) == expected


def check_tokens(piece: Piece, most: int, _: Path) -> None:
    assert len(tokens(piece)[1]) <= most


def check_tokens_of_decoded(piece: Piece, most: int, _: Path) -> None:
    representation, encoded = tokens(piece)
    assert len(tokens(representation.decode(encoded))[1]) <= most


def check_metres_as_midi(piece: Piece, _: bool, folder: Path) -> None:
    again = reading.read_midi(written(piece, folder))
    assert changes(again, again.time_signatures) == changes(piece, piece.time_signatures)


def check_bars_of_decoded(piece: Piece, _: bool, __: Path) -> None:
    representation, encoded = tokens(piece)
    decoded = representation.decode(encoded)
    assert quarters(decoded, decoded.barlines()) == quarters(piece, piece.barlines())


def check_programs_as_midi(piece: Piece, expected: list[int], folder: Path) -> None:
    assert programs_heard(written(piece, folder)) == expected


def check_second_note(piece: Piece, _: str, __: Path) -> None:
    same = [note for note in notes(piece) if note[2] == 60]
    assert len(same) == 2
    assert same[1][:2] == (4, 1)


def check_both_reach_bar_2(piece: Piece, _: str, __: Path) -> None:
    for track in range(len(piece.track_names)):
        assert 4 in quarters(piece, piece.track(track)["onset"])


CUSTOM = {"m17": check_second_note, "bar2": check_both_reach_bar_2}
CHECKS: dict[str, Callable[[Piece, Any, Path], None]] = {
    "notes": check_notes,
    "nnotes": check_count,
    "quarters": check_quarters,
    "ts": check_metres,
    "keys": check_keys,
    "tempos": check_tempos,
    "barlines": check_barlines,
    "progs": check_programs,
    "drums": check_drums,
    "tracks": check_tracks,
    "max_tokens": check_tokens,
    "rt_tokens": check_tokens_of_decoded,
    "metre_roundtrip": check_metres_as_midi,
    "rt_bars": check_bars_of_decoded,
    "out_programs": check_programs_as_midi,
    "custom": lambda piece, name, folder: CUSTOM[name](piece, name, folder),
}


def right(file: str, folder: Path) -> None:
    """Fail where a file is not read as `expect` says."""
    expected = dict(CASES[file])
    reason = expected.pop("or_reject", None)
    which, pieces = expected.pop("which", 0), expected.pop("pieces", 1)
    try:
        read = list(reading.read(FOLDER / file))
    except UnreadableError as error:
        if not reason or reason not in str(error):
            raise
        return
    assert len(read) == pieces
    for name, value in expected.items():
        CHECKS[name](read[which], value, folder)


@pytest.mark.parametrize("file", CASES)
def test_the_music_is_what_the_file_says(
    file: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if file in UNMENDED:
        request.applymarker(pytest.mark.xfail(strict=True, reason="not mended yet"))
    right(file, tmp_path)


def test_every_file_has_its_right_value() -> None:
    files = {path.name for path in FOLDER.iterdir()} - {"cases.json"}
    assert files == set(CASES)
    assert set(CASES) >= UNMENDED

"""How ABC is read: the cases that each reader gets right, tunes per second, differences.

`measure` is called by `benchmarks/reading.py`, which writes what it returns. Readers are ours,
music21 9.9.2 (each part with its repeats expanded) and symusic's own way through abc2midi.
"""

import contextlib
import json
import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from symusic import Score

from ostinato.corpora.sources.packaged import EssenFolksongs, Packaged, RyansMammoth
from ostinato.music import abc, conversion, reading
from ostinato.music.music21_parts import from_parts
from ostinato.music.piece import Piece

CASES = Path(__file__).parents[1] / "tests" / "music" / "cases"
CLOSE = Fraction(2, 480)  # quarter notes that count as equal: abc2midi begins each note a tick late
COLLECTIONS = (RyansMammoth, EssenFolksongs)

Reader = Callable[[Path], list[Piece]]


def read_ours(path: Path) -> list[Piece]:
    """Return the pieces that Ostinato reads."""
    return list(reading.read(path))


def read_music21(path: Path) -> list[Piece]:
    """Return the pieces that music21 reads, one a tune."""
    return [_by_music21(tune) for tune in abc.tunes(abc.read_text(path))]


def read_symusic(path: Path) -> list[Piece]:
    """Return the one piece that symusic reads: the first tune."""
    return [conversion.from_symusic(Score.from_file(path, fmt="abc"), path.stem)]


READERS: dict[str, Reader] = {
    "ostinato": read_ours,
    "music21": read_music21,
    "symusic": read_symusic,
}


def measure() -> dict[str, Any]:
    """Return the cases that each reader gets right, its speed, and what differs in collections.

    The cases are those that Ostinato read wrongly through music21. Takes ten minutes, nearly all
    of it music21's.
    """
    with _quiet():
        return {**_cases(), "collections": {c.__name__: _collection(c()) for c in COLLECTIONS}}


def _cases() -> dict[str, Any]:
    cases = json.loads((CASES / "cases.json").read_text(encoding="utf-8"))
    tunes = {case["file"]: case["expect"] for case in cases if case["file"].endswith(".abc")}
    right = {
        name: {file for file, expected in tunes.items() if _is_right(read, file, expected)}
        for name, read in READERS.items()
    }
    return {
        "cases": len(tunes),
        "right": {name: len(files) for name, files in right.items()},
        "wrong": {name: sorted(tunes.keys() - files) for name, files in right.items()},
    }


def _collection(source: Packaged) -> dict[str, Any]:
    """Every tune read by Ostinato and by music21, and every file by symusic."""
    jobs = source.jobs()
    kinds: Counter[str] = Counter()
    seconds = dict.fromkeys(READERS, 0.0)
    for _, name, tune in jobs:
        ours, seconds["ostinato"] = _timed(abc.read_tune, seconds["ostinato"], tune, name)
        theirs, seconds["music21"] = _timed(_by_music21, seconds["music21"], tune)
        kinds[_difference(ours, theirs)] += 1
    files = sorted({job[0] for job in jobs})
    for file in files:  # of which symusic reads the first tune
        _, seconds["symusic"] = _timed(read_symusic, seconds["symusic"], file)
    counts = {"ostinato": len(jobs), "music21": len(jobs), "symusic": len(files)}
    return {
        "tunes": len(jobs),
        "ostinato_beside_music21": dict(kinds.most_common()),
        "tunes_per_second": {name: round(counts[name] / seconds[name], 1) for name in READERS},
    }


def _timed(read: Callable[..., Any], before: float, *arguments: Any) -> tuple[Any, float]:
    """What is read, or None, and the seconds with those before."""
    began = time.perf_counter()
    found = None
    with contextlib.suppress(Exception):  # a tune that is refused takes its time, too
        found = read(*arguments)
    return found, before + time.perf_counter() - began


def _difference(ours: Piece | None, theirs: Piece | None) -> str:
    if ours is None or theirs is None:
        return (
            "refused by both" if ours is theirs else f"refused by {'us' if theirs else 'music21'}"
        )
    if len(ours.notes) != len(theirs.notes):
        return "other number of notes"
    pairs = list(zip(_notes(ours), _notes(theirs), strict=True))
    if any(abs(a[k] - b[k]) > CLOSE for a, b in pairs for k in (1, 2)):
        return "other times"
    return "other pitches" if any(a[0] != b[0] for a, b in pairs) else "the same notes"


def _is_right(read: Reader, file: str, expected: dict[str, Any]) -> bool:
    try:
        pieces = read(CASES / file)
    except Exception:  # of whatever kind: the file is not read
        return False
    piece = pieces[expected.get("which", 0)]
    checks = [len(pieces) == expected.get("pieces", 1)]
    if "notes" in expected:
        checks.append(_are_close(_notes(piece), expected["notes"]))
    if "nnotes" in expected:
        checks.append(len(piece.notes) == expected["nnotes"])
    if "tempos" in expected:
        checks.append([round(t[1]) for t in piece.tempos.tolist()] == [expected["tempos"][0][1]])
    if "tracks" in expected:
        checks.append(len(piece.track_names) == expected["tracks"])
    return all(checks)


def _notes(piece: Piece) -> list[tuple[int, Fraction, Fraction]]:
    """Pitch, onset and duration in quarter notes, by onset and pitch."""
    rows = [
        (int(n["pitch"]), *(Fraction(int(n[k]), piece.resolution) for k in ("onset", "duration")))
        for n in piece.notes
    ]
    return sorted(rows, key=lambda row: (round(row[1] * 24), row[0]))


def _are_close(found: list[tuple[int, Fraction, Fraction]], expected: list[list[Any]]) -> bool:
    right = sorted(
        ((pitch, Fraction(onset), Fraction(duration)) for onset, duration, pitch in expected),
        key=lambda row: (round(row[1] * 24), row[0]),
    )
    return len(found) == len(right) and all(
        a[0] == b[0] and abs(a[1] - b[1]) <= CLOSE and abs(a[2] - b[2]) <= CLOSE
        for a, b in zip(found, right, strict=True)
    )


def _by_music21(tune: str) -> Piece:
    from music21.abcFormat import ABCHandler
    from music21.abcFormat.translate import abcToStreamScore
    from music21.bar import Repeat
    from music21.repeat import ExpanderException

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        handler = ABCHandler()
        handler.process(tune)
        parts = list(abcToStreamScore(handler).parts)
        with contextlib.suppress(ExpanderException):
            parts = [part.expandRepeats() if part[Repeat] else part for part in parts]
        return from_parts(parts, "tune")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what abc2midi and music21 print from the terminal."""
    sys.stdout.flush()
    kept = [os.dup(number) for number in (1, 2)]
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        for number in (1, 2):
            os.dup2(nowhere.fileno(), number)
        try:
            yield
        finally:
            for number, old in zip((1, 2), kept, strict=True):
                os.dup2(old, number)
                os.close(old)


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))

"""MusicXML: our reader beside music21's and MusPy's.

Cases of tests/music/cases that each reads right, files per second of processor time, and every
score that music21 carries, part by part, against music21. Where the two differ, both read the score
again without its repeats, without its ties, and bar by bar: what they then agree on tells the kind.
"""

import contextlib
import copy
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from ostinato.errors import UnreadableError
from ostinato.music import compressed_musicxml, conversion, limits, xml_parser
from ostinato.music.music21_parts import from_parts
from ostinato.music.musicxml import read_musicxml
from ostinato.music.piece import Piece

ROOT = Path(__file__).parents[1]
SUFFIXES = (".mxl", ".xml", ".musicxml")
UNPITCHED = -1  # music21 keeps no pitch of a drum
Sound = tuple[Any, ...]  # bar or 0, onset, duration, pitch
Part = Counter[Sound]


# ---------------------------------------------------------------- the readers


def by_ostinato(path: Path) -> Piece:
    return read_musicxml(path, path.stem)


def by_music21(path: Path) -> Piece:
    """As its makers advise: repeats played, pitches as they sound, ties joined, graces left out."""
    return from_parts(list(_score(path, repeats=True).parts), path.stem)


def by_muspy(path: Path) -> Piece:
    import muspy

    music = muspy.read_musicxml(str(path))
    for track in music.tracks:
        track.program = max(track.program - 1, 0)  # MusicXML counts programs from 1
    return conversion.from_muspy(music, path.stem)


READERS: dict[str, Callable[[Path], Piece]] = {
    "ostinato": by_ostinato,
    "music21": by_music21,
    "muspy": by_muspy,
}


def _score(path: Path, repeats: bool) -> Any:
    from music21 import converter
    from music21.repeat import ExpanderException

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = converter.parse(path, format="musicxml", forceSource=True, storePickle=False)
        if repeats:
            with contextlib.suppress(ExpanderException):
                score = score.expandRepeats()
        return score.toSoundingPitch()


# ---------------------------------------------------------------- cases and speed


def cases() -> dict[str, str]:
    """Return how many of the cases each reader has right."""
    sys.path.insert(0, str(ROOT / "tests" / "music"))
    import test_cases

    files = sorted(name for name in test_cases.CASES if name.endswith(SUFFIXES))
    found = {}
    for reader, read in READERS.items():
        right = sum(_is_right(test_cases, name, read) for name in files)
        found[reader] = f"{right} of {len(files)}"
    return found


def _is_right(test_cases: Any, name: str, read: Callable[[Path], Piece]) -> bool:
    expected = dict(test_cases.CASES[name])
    reason = expected.pop("or_reject", "")
    expected.pop("which", 0)
    try:
        piece = read(test_cases.FOLDER / name)
        for check, value in expected.items():
            test_cases.CHECKS[check](piece, value, Path(tempfile.gettempdir()))
    except UnreadableError as error:
        return bool(reason) and reason in str(error)
    except Exception:  # what a reader or a check of its piece raises
        return False
    return True


def speed(scores: list[Path], rounds: int = 3) -> dict[str, Any]:
    """Return files per second of processor time, of each score the least of some rounds.

    The readers take turns on each score, so that whatever else the machine does slows all of them.
    """
    seconds: dict[str, dict[Path, float]] = {name: {} for name in READERS}
    refused = dict.fromkeys(READERS, 0)
    for number in range(rounds):
        for path in scores:
            for name, read in READERS.items():
                began = time.process_time()
                try:
                    read(path)
                except Exception:  # what a reader raises on a score that is none to it
                    refused[name] += number == 0
                took = time.process_time() - began
                seconds[name][path] = min(took, seconds[name].get(path, took))
    return {
        name: {
            "files_per_second": round(len(scores) / sum(seconds[name].values()), 1),
            "refused": refused[name],
        }
        for name in READERS
    } | {"scores": len(scores)}


# ---------------------------------------------------------------- score by score


def carried_scores() -> dict[str, Path]:
    """Return the MusicXML scores that music21 carries but Bach's, by name, the smallest first."""
    import music21

    folder = Path(music21.__file__).parent / "corpus"
    found = [p for p in folder.rglob("*") if p.suffix in SUFFIXES and "bach" not in p.parts]
    found.sort(key=lambda path: (len(_bytes(path)), path))
    return {path.relative_to(folder).as_posix(): path for path in found}


def _bytes(path: Path) -> bytes:
    return compressed_musicxml.read_score(path) if path.suffix == ".mxl" else path.read_bytes()


# What is left out before the two are compared again, and where notes are then counted from.
KINDS = {
    "ties": ("ties",),
    "order of repeats": ("repeats",),
    "order of repeats and ties": ("repeats", "ties"),
    "places of bars": ("repeats", "bars"),
    "places of bars and ties": ("repeats", "ties", "bars"),
}


def compare(path: Path) -> list[str]:
    """Return the kind of difference of each part, "" where there is none."""
    try:
        with limits.cpu_seconds(1800):
            kinds = [_kind(ours, theirs) for ours, theirs in _both(path)]
            root = xml_parser.parse(_bytes(path))
            tried: set[tuple[str, ...]] = {()}
            for kind, left_out in KINDS.items():
                without = tuple(what for what in left_out if _has(root, what))
                if "?" in kinds and without not in tried:
                    kinds = _explained(kinds, kind, root, without)
                    tried.add(without)
    except OSError:
        raise
    except Exception as error:  # music21 lets through whatever it meets
        return [f"music21 cannot read it: {limits.one_line(error)}"]
    return ["of another kind" if kind == "?" else kind for kind in kinds]


def _has(root: ElementTree.Element, what: str) -> bool:
    return any(next(root.iter(tag), None) is not None for tag in UNWANTED[what])


def _explained(
    kinds: list[str], kind: str, root: ElementTree.Element, without: tuple[str, ...]
) -> list[str]:
    """The kinds, with those parts explained that are the same once something is left out."""
    with tempfile.TemporaryDirectory() as folder:
        changed = Path(folder) / "score.xml"
        changed.write_bytes(_without(root, without))
        pairs = _both(changed, in_bars="bars" in without)
    if len(pairs) != len(kinds):
        return kinds
    return [
        kind if old == "?" and ours == theirs else old
        for old, (ours, theirs) in zip(kinds, pairs, strict=True)
    ]


def _kind(ours: Part, theirs: Part) -> str:
    """Whether two parts are the same, or the same but for pitches of drums."""
    if ours == theirs:
        return ""
    if any(pitch == UNPITCHED for *_, pitch in theirs):
        places = Counter({(*place, UNPITCHED): n for (*place, _), n in ours.items()})
        if places.keys() == theirs.keys():
            return "pitches of drums"
    return "?"


def _both(path: Path, in_bars: bool = False) -> list[tuple[Part, Part]]:
    """The parts of a score by us and by music21, whose parts are staves: those are put together."""
    ours = list(_our_parts(by_ostinato(path), in_bars))
    theirs = _their_parts(_score(path, repeats=not in_bars), in_bars)
    size = max(len(ours), len(theirs))
    for parts in (ours, theirs):
        parts += [Counter()] * (size - len(parts))
    return list(zip(ours, theirs, strict=True))


def _our_parts(piece: Piece, in_bars: bool) -> Iterator[Part]:
    lines = piece.barlines() if in_bars else np.zeros(1, np.int64)
    for track in range(len(piece.track_names)):
        notes = piece.track(track)
        bars = np.searchsorted(lines, notes["onset"], side="right") - 1
        starts = notes["onset"] - lines[bars]
        yield Counter(
            (bar, _rounded(start / piece.resolution), _rounded(length / piece.resolution), pitch)
            for bar, start, length, pitch in zip(
                bars.tolist(),
                starts.tolist(),
                notes["duration"].tolist(),
                notes["pitch"].tolist(),
                strict=True,
            )
        )


def _their_parts(score: Any, in_bars: bool) -> list[Part]:
    from music21.stream import PartStaff

    found: list[Part] = []
    names: list[str] = []
    for part in score.parts:
        sounds = Counter(_their_sounds(part.stripTies(), in_bars))
        of_part = str(part.id).partition("-Staff")[0] if isinstance(part, PartStaff) else ""
        if of_part and names and names[-1] == of_part:
            found[-1] = found[-1] + sounds
        else:
            found.append(sounds)
            names.append(of_part)
    return [part for part in found if part]


def _their_sounds(part: Any, in_bars: bool) -> Iterator[Sound]:
    from music21.harmony import Harmony
    from music21.stream import Measure

    bars = list(part.getElementsByClass(Measure)) if in_bars else [part]
    for number, bar in enumerate(bars):
        for element in bar.flatten().notes:
            if element.duration.isGrace or isinstance(element, Harmony):
                continue
            start, length = _rounded(element.offset), _rounded(element.quarterLength)
            for note in element.notes if hasattr(element, "notes") else [element]:
                pitch = note.pitch.midi if hasattr(note, "pitch") else UNPITCHED
                yield number, start, length, pitch


def _rounded(quarters: Any) -> float:
    return round(float(quarters), 2)  # music21 rounds fine tuplets


UNWANTED = {
    "repeats": ("repeat", "ending", "words", "segno", "coda"),
    "ties": ("tie", "tied"),
    "bars": ("measure",),  # stays: only its notes are counted from its beginning
}
SIGNS = ("segno", "coda", "fine", "tocoda", "dacapo", "dalsegno", "forward-repeat")


def _without(root: ElementTree.Element, what: tuple[str, ...]) -> bytes:
    """The score without its repeats or its ties."""
    changed = copy.deepcopy(root)
    unwanted = {tag for name in what if name != "bars" for tag in UNWANTED[name]}
    for parent in list(changed.iter()):
        for child in [child for child in parent if child.tag in unwanted]:
            parent.remove(child)
        if parent.tag == "sound" and "repeats" in what:
            parent.attrib = {k: v for k, v in parent.attrib.items() if k not in SIGNS}
    return ElementTree.tostring(changed, encoding="utf-8", xml_declaration=True)

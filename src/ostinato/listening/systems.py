"""Systems of a listening test: the pieces in a folder of samples, and what they continue."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ostinato.console import where
from ostinato.errors import UnreadableError, UserError
from ostinato.files import fingerprint
from ostinato.music.piece import Piece
from ostinato.music.reading import read_midi
from ostinato.music.roll import seconds_at
from ostinato.untrusted import MIB, read_regular

ABOUT = "sampling.json"  # beside samples, says how they were drawn
LARGEST = MIB  # bytes of it
STEPS = 2  # times to a quarter note at which music is compared
LONGEST = 1024  # eighth notes that are compared: more than any prompt has
DRUMS = 128  # is added to the pitch of a drum
BAR_QUARTERS = 2  # quarter notes to a bar of a prompt that are looked at: as many as 2/4 has
UNPROMPTED = ""  # the condition of music that begins from nothing
# settings of samples that are made from a given piece; samples drawn earlier say from_ or from
GIVEN = ("piece", "start", "to", "from_", "from")


@dataclass(frozen=True)
class Harmony:
    """The pitches that sound at each eighth note of a piece, from its first note on."""

    pitches: list[frozenset[int]]
    seconds: list[float]  # when each eighth note begins, counted from tick 0


@dataclass(frozen=True)
class Music:
    """A piece of a system. condition: what it continues, equal for equal prompts."""

    piece: Piece
    condition: str
    harmony: Harmony


@dataclass(frozen=True)
class System:
    """A system under test. left_out: how many of its samples are not played, by reason."""

    name: str
    source: str
    music: list[Music]
    about: Mapping[str, Any] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def prompt_bars(self) -> int:
        """Return how many bars its samples were given; 0 for none."""
        return prompt_bars(self.about)


def read_system(folder: Path, source: str) -> System:
    """Return the system whose samples are in a folder.

    `source` says where they are from. Silent pieces and unreadable ones are left out and counted.
    Raises `UserError` for a folder without samples, and for samples that vary a given piece.
    """
    about = _read_about(folder)
    made_from = [key for key in GIVEN if about.get(key) is not None]
    if made_from:
        raise UserError(
            f"the samples of {source} are made from a given piece "
            f"({made_from[0]}={about[made_from[0]]}): compare samples that begin from nothing or "
            "continue a prompt."
        )
    files = sorted(folder.glob("*.mid"))
    if not files:
        raise UserError(f"{source} has no samples (.mid): draw some with `ostinato generate`.")
    pieces, left_out = _read_pieces(files)
    if not pieces:
        raise UserError(f"{source} has no samples that can be heard: {_describe(left_out)}.")
    music = hear_pieces(pieces, prompt_bars(about))
    return System(_name(about, folder), source, music, about, left_out)


def hear_pieces(pieces: Iterable[Piece], bars: int) -> list[Music]:
    """Return pieces with what they continue: prompts of so many bars; 0 for none."""
    music = []
    for piece in pieces:
        harmony = harmony_of(piece)
        music.append(Music(piece, _condition(harmony, bars), harmony))
    return music


def harmony_of(piece: Piece) -> Harmony:
    """Return what sounds at each eighth note of a piece.

    Representations write the same music with other lengths, tracks and loudness; its pitches stay.
    """
    notes = piece.notes
    first = int(notes["onset"].min())
    step = piece.resolution / STEPS
    count = min(LONGEST, max(1, int(np.ceil((piece.end - first) / step))))
    times = first + np.arange(count) * step
    # looked at a little later, so that a note that begins late still counts
    at = times + step / 4
    begins = np.searchsorted(at, notes["onset"])
    ends = np.searchsorted(at, notes["onset"] + notes["duration"])
    pitches: list[set[int]] = [set() for _ in range(count)]
    sounding = notes["pitch"].astype(int) + DRUMS * notes["drum"]
    for pitch, begin, end in zip(sounding.tolist(), begins.tolist(), ends.tolist(), strict=True):
        for step_index in range(begin, end):
            pitches[step_index].add(pitch)
    return Harmony([frozenset(own) for own in pitches], seconds_at(piece, times).tolist())


def shared_beginning(first: Harmony, second: Harmony) -> int:
    """Return how many eighth notes two pieces have in common from their beginnings."""
    pairs = zip(first.pitches, second.pitches, strict=False)
    return next(
        (step for step, (one, other) in enumerate(pairs) if one != other),
        min(len(first.pitches), len(second.pitches)),
    )


def unique_names(systems: Sequence[System]) -> list[str]:
    """Return a name for each system; those that are called alike are numbered."""
    names, seen = [system.name for system in systems], Counter[str]()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(f"{name} #{seen[name]}" if names.count(name) > 1 else name)
    return unique


def _condition(harmony: Harmony, bars: int) -> str:
    """Return equal texts for pieces that begin with the same prompt."""
    if not bars:
        return UNPROMPTED
    begins = harmony.pitches[: bars * BAR_QUARTERS * STEPS]
    return f"{bars} {fingerprint([sorted(pitches) for pitches in begins])}"


def prompt_bars(about: Mapping[str, Any]) -> int:
    """Return how many bars samples were given, by what lies beside them; 0 for none."""
    bars = about.get("prompt_bars", 0) if about.get("prompt") is not None else 0
    return bars if isinstance(bars, int) else 0


def _read_about(folder: Path) -> dict[str, Any]:
    path = folder / ABOUT
    if not path.is_file():
        return {}
    try:
        about = json.loads(read_regular(path, LARGEST))
    except ValueError as error:
        raise UserError(f"{where(path)} is not JSON: draw the samples again.") from error
    if not isinstance(about, dict):
        raise UserError(f"{where(path)} says nothing of samples: draw them again.")
    return about


def _read_pieces(files: list[Path]) -> tuple[list[Piece], dict[str, int]]:
    pieces, left_out = [], {"silent": 0, "unreadable": 0}
    for file in files:
        try:
            piece = read_midi(file, file.stem)
        except UnreadableError:
            left_out["unreadable"] += 1
            continue
        if len(piece.notes):
            pieces.append(piece)
        else:
            left_out["silent"] += 1
    return pieces, {reason: count for reason, count in left_out.items() if count}


def _describe(left_out: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in left_out.items())


def _name(about: Mapping[str, Any], folder: Path) -> str:
    parts = [str(about[key]) for key in ("model", "representation", "corpus") if key in about]
    return "-".join(parts) or folder.resolve().name

"""abc2midi, which symusic's wheel carries, as a process of its own with limits.

It is a C program from 1999 that strangers' text goes into: whatever it does, a tune costs a bounded
amount of time, memory and disk, and its death is one sentence.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import symusic

from ostinato.errors import UnreadableError
from ostinato.music.midi import read_midi
from ostinato.music.piece import Piece

CPU_SECONDS = 10  # of processor time; the longest tune of 9,573 takes 0.02
SECONDS = 60  # by the clock
MEMORY = 512  # MiB of addresses
OUTPUT = 64  # MiB, of the MIDI file and of what is printed
# No grace notes, fermatas, chord symbols or texts; each element as it is played (-v 5).
OPTIONS = ("-NGRA", "-NFER", "-NGUI", "-NCOM", "-NFNP", "-v", "5")
SHELL = "/bin/sh"
# Processor time in s, memory in KiB, files in blocks of 512 bytes, no memory dumps.
LIMITS = "".join(
    f"ulimit -{what} 2>/dev/null; "  # none of them can be raised where a lower one holds
    for what in (f"t {CPU_SECONDS}", f"v {MEMORY * 1024}", f"f {OUTPUT * 2048}", "c 0")
)
ERROR = re.compile(
    r"^(?:Error|Warning(?=.*Unusual key)) in line-char \d+-\d+ : +(.*)", re.MULTILINE
)
# Complaints after which the notes are as they are written.
NO_TEMPO = "malformed Q: field ignored"
HARMLESS = re.compile(
    rf"{NO_TEMPO}|Could not find note to be tied|Cannot find note before tie"
    r"|Sustained notes beyond end of track|Time mismatch at tie|Bad tie: possibly"
)
TRACK = re.compile(r"^trackvoice = (\d+) track = (\d+)(.*)")
ELEMENT = re.compile(r"^\d+ ([A-Z_]+) (-?\d+) (-?\d+)/(-?\d+)$")


@dataclass
class Track:
    """One track of abc2midi's besides its notes; times are in quarter notes."""

    barlines: list[Fraction] = field(default_factory=list)
    metres: list[tuple[Fraction, int, int]] = field(default_factory=list)
    keys: list[tuple[Fraction, int, bool]] = field(default_factory=list)
    tempos: list[tuple[Fraction, int]] = field(default_factory=list)
    """In microseconds to the quarter note."""
    end: Fraction = Fraction(0)


@dataclass
class Converted:
    """A tune as abc2midi's MIDI has it, and what that does not say of it."""

    piece: Piece
    tracks: list[Track]
    has_tempo: bool  # whether each tempo of the text could be read


def convert(text: str, name: str) -> Converted:
    """Return what abc2midi makes of one tune.

    Raises `UnreadableError` where it finds an error, takes too much or dies.
    """
    with tempfile.TemporaryDirectory(prefix="ostinato-abc-") as place:
        folder = Path(place)
        (folder / "tune.abc").write_text(text, encoding="latin-1", errors="replace")
        code = _run(folder)
        printed = (folder / "printed").read_text(encoding="latin-1")
        errors = [error for error in ERROR.findall(printed) if not HARMLESS.search(error)]
        if errors:
            raise UnreadableError(f"abc2midi finds an error in it: {errors[0].strip()[:150]}")
        midi = folder / "tune.mid"
        if code or not midi.exists():
            raise UnreadableError(f"abc2midi {_death(code)}")
        piece = read_midi(midi, name)
    return Converted(piece, list(_tracks(printed.splitlines())), NO_TEMPO not in printed)


def _run(folder: Path) -> int:
    program = os.environ.get("SYMUSIC_ABC2MIDI") or _program()
    command = [program, "tune.abc", "-o", "tune.mid", *OPTIONS]
    if Path(SHELL).exists():
        # It keeps the pipe open, to which it prints nothing: that it closes is how its end is seen.
        command = [SHELL, "-c", f'{LIMITS}exec "$@" 3>&2 2>&1', "sh", *command]
    try:
        with (folder / "printed").open("wb") as printed:
            done = subprocess.run(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.PIPE,  # waiting for the end of a pipe is quicker than polling
                timeout=SECONDS,
                check=False,
            )
    except subprocess.TimeoutExpired:
        raise UnreadableError(f"abc2midi took longer than {SECONDS} s") from None
    return done.returncode


def _program() -> str:
    """Return abc2midi's path in symusic's wheel."""
    return str(Path(symusic.__file__).parent / "bin" / "abc2midi")


def _death(code: int) -> str:
    if code == 0:
        return "makes no MIDI of it"
    reason = f"signal {-code}" if code < 0 else f"exit code {code}"
    return (
        f"died of it ({reason}): it is damaged, or takes more than {MEMORY} MiB or {CPU_SECONDS} s"
    )


def _tracks(lines: list[str]) -> Iterator[Track]:
    """Yield the tracks that have notes, as abc2midi printed them while it played them."""
    track: Track | None = None
    in_chord = False
    for line in lines:
        if head := TRACK.match(line):
            if track is not None:
                yield track
            track = Track() if "noteson" in head[3] else None
            in_chord = False
        elif track is not None and (match := ELEMENT.match(line)):
            name = match[1]
            over, under = int(match[3]), int(match[4])
            in_chord = name == "CHORDON" or (in_chord and not name.startswith("CHORDOFF"))
            if name in ("NOTE", "REST") and in_chord:
                continue
            _play(track, name, int(match[2]), over, under)
    if track is not None:
        yield track


def _play(track: Track, name: str, value: int, over: int, under: int) -> None:
    if name in ("NOTE", "REST", "CHORDOFF", "CHORDOFFEX"):
        if under < 1:
            raise UnreadableError("abc2midi counts beyond its numbers: a length is too fine")
        track.end += Fraction(over, under)
    elif name.endswith("_BAR"):
        track.barlines.append(track.end)
    elif name == "TIME" and value:
        track.metres.append((track.end, over, under))
    elif name == "KEY":
        track.keys.append((track.end, value, bool(under)))
    elif name == "TEMPO":
        track.tempos.append((track.end, (over << 16) + (under & 0xFFFF)))

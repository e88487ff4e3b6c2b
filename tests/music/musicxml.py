"""Small scores in MusicXML, written for tests."""

from pathlib import Path

from ostinato.music.musicxml import read_musicxml
from ostinato.music.piece import Piece

FORWARD = '<barline location="left"><repeat direction="forward"/></barline>'
BACKWARD = '<barline location="right"><repeat direction="backward"{}/></barline>'


def note(pitch: str, duration: int | str, inside: str = "", first: str = "", **attrs: str) -> str:
    """A note such as C4, F#4 or Bb3, or a rest ("r"), of a duration in divisions."""
    if pitch == "r":
        sound = "<rest/>"
    else:
        alter = {"#": 1, "b": -1}.get(pitch[1], 0)
        written = f"<alter>{alter}</alter>" if alter else ""
        sound = f"<pitch><step>{pitch[0]}</step>{written}<octave>{pitch[-1]}</octave></pitch>"
    attributes = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attrs.items())
    return f"<note{attributes}>{first}{sound}<duration>{duration}</duration>{inside}</note>"


def whole(*pitches: str) -> str:
    """Notes of four quarters each."""
    return "".join(note(pitch, 4) for pitch in pitches)


def tie(*kinds: str, voice: str = "1") -> str:
    return "".join(f'<tie type="{kind}"/>' for kind in kinds) + f"<voice>{voice}</voice>"


def backup(duration: int) -> str:
    return f"<backup><duration>{duration}</duration></backup>"


def ending(number: str, bar: str, repeat: bool = True, stop: str = "stop") -> str:
    """A bar under a bracket, with a repeat at its end or without."""
    left = f'<barline location="left"><ending number="{number}" type="start"/></barline>'
    back = '<repeat direction="backward"/>' if repeat else ""
    right = f'<ending number="{number}" type="{stop}"/>{back}'
    return f'{left}{bar}<barline location="right">{right}</barline>'


def direction(inside: str = "", sound: str = "", after: str = "") -> str:
    shown = f"<direction-type>{inside or '<words>x</words>'}</direction-type>"
    return f"<direction>{shown}{after}{f'<sound {sound}/>' if sound else ''}</direction>"


def attributes(inside: str) -> str:
    return f"<attributes>{inside}</attributes>"


def metre(beats: int | str, kind: int | str) -> str:
    return attributes(f"<time><beats>{beats}</beats><beat-type>{kind}</beat-type></time>")


def part(*bars: str, start: str = "", divisions: int = 1) -> str:
    """Bars of a part; one that begins with <measure is taken as it is."""
    measures = [bar if bar.startswith("<measure") else f"<measure>{bar}</measure>" for bar in bars]
    head, _, tail = measures[0].partition(">")
    first = attributes(f"<divisions>{divisions}</divisions>{start}")
    return "".join([head, ">", first, tail, *measures[1:]])


def score(*parts: str, listed: str = "") -> bytes:
    """A score by parts P1, P2, …; `listed` is the part-list where it matters."""
    names = [f"P{number}" for number in range(1, len(parts) + 1)]
    plain = "".join(
        f'<score-part id="{name}"><part-name>{name}</part-name></score-part>' for name in names
    )
    body = "".join(
        f'<part id="{name}">{its}</part>' for name, its in zip(names, parts, strict=True)
    )
    listed = f"<part-list>{listed or plain}</part-list>"
    return f'<?xml version="1.0"?><score-partwise>{listed}{body}</score-partwise>'.encode()


def read(data: bytes, folder: Path, suffix: str = ".musicxml") -> Piece:
    path = folder / f"x{suffix}"
    path.write_bytes(data)
    return read_musicxml(path, "x")


def notes(piece: Piece, track: int | None = None) -> list[tuple[float, float, int]]:
    """Onset and duration in quarter notes, and the pitch, in order."""
    rows = piece.notes if track is None else piece.track(track)
    return sorted(
        (
            int(row["onset"]) / piece.resolution,
            int(row["duration"]) / piece.resolution,
            int(row["pitch"]),
        )
        for row in rows
    )


def pitches(piece: Piece) -> str:
    """The letters of the notes in order of their onsets, as C D E F G A B."""
    letters = {0: "C", 2: "D", 4: "E", 5: "F", 7: "G", 9: "A", 11: "B"}
    return "".join(letters[int(pitch) % 12] for pitch in piece.notes["pitch"])

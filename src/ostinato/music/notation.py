"""Notation: pieces as MusicXML, which notation programs open. music21 makes it."""

import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.files import atomic_file
from ostinato.music.keys import list_keys, spell
from ostinato.music.picture import has_pickup
from ostinato.music.piece import Piece

if TYPE_CHECKING:
    from music21.stream import Part, Score

DATE = re.compile(rb"<encoding-date>[^<]*</encoding-date>\s*")
COMPOSER = re.compile(rb'<creator type="composer">Music21</creator>\s*')


def write_musicxml(piece: Piece, path: Path) -> None:
    """Write the notes of a piece without its drums as MusicXML; the same piece, the same bytes.

    Raises `ValueError` for a piece that music21 cannot write, or that has only drums.
    """
    data = musicxml_bytes(piece)
    with atomic_file(path) as part:
        part.write_bytes(data)


def musicxml_bytes(piece: Piece) -> bytes:
    """Return the bytes that `write_musicxml` writes.

    Each track without drums is a part, in which notes that begin and end together are a chord, and
    others that overlap are in voices. Barlines, metre and keys are those of the piece; without a
    key, the one that its notes suggest says how they are spelled. A shorter first bar is a pickup.
    """
    from music21.exceptions21 import Music21Exception
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    try:
        found: bytes = GeneralObjectExporter(_to_score(piece)).parse()
    except Music21Exception as error:
        raise ValueError(" ".join(str(error).split())) from error
    return COMPOSER.sub(b"", DATE.sub(b"", found))


def _to_score(piece: Piece) -> "Score":
    from music21.metadata import Metadata
    from music21.stream import Score

    score = Score()
    score.metadata = Metadata(title=piece.name)
    signatures = list_keys(piece)
    tracks = piece.pitched_tracks.tolist()
    if piece.notes["drum"].all():
        raise ValueError("it has no pitched notes")
    for number, track in enumerate(tracks, start=1):
        score.insert(0, _to_part(piece, track, number, signatures, first=number == 1))
    return score


def _to_part(
    piece: Piece, track: int, number: int, signatures: list[tuple[int, int]], first: bool
) -> "Part":
    from music21.chord import Chord
    from music21.instrument import Instrument
    from music21.key import KeySignature
    from music21.meter.base import TimeSignature
    from music21.note import Note
    from music21.stream import Part
    from music21.tempo import MetronomeMark

    part, notes = Part(), piece.track(track)
    own = Instrument()
    own.partId, own.instrumentId = f"P{number}", f"P{number}-I1"
    own.partName = own.instrumentName = piece.track_names[track] or f"Track {track + 1}"
    own.midiProgram = int(notes["program"][0]) if len(notes) else 0
    part.partName = own.partName
    part.insert(0, own)
    for tick, fifths in signatures:
        part.insert(_quarters(tick, piece), KeySignature(fifths))
    metres = piece.time_signatures
    if not len(metres) or metres["onset"][0] > 0:
        part.insert(0, TimeSignature("4/4"))
    for row in metres:
        metre = TimeSignature(f"{row['numerator']}/{row['denominator']}")
        part.insert(_quarters(int(row["onset"]), piece), metre)
    for tempo in piece.tempos if first else ():
        mark = MetronomeMark(number=round(float(tempo["qpm"]), 3))
        part.insert(_quarters(int(tempo["onset"]), piece), mark)
    together: dict[tuple[int, int], list[int]] = {}
    for row in notes:
        together.setdefault((int(row["onset"]), int(row["duration"])), []).append(int(row["pitch"]))
    for (onset, duration), pitches in together.items():
        fifths = [fifths for tick, fifths in signatures if tick <= onset][-1]
        spelled = [_to_pitch(pitch, fifths) for pitch in sorted(set(pitches))]
        sound: Any = Note(spelled[0]) if len(spelled) == 1 else Chord(spelled)
        sound.quarterLength = _quarters(duration, piece)
        part.insert(_quarters(onset, piece), sound)
    if not has_pickup(piece):
        return part
    return _with_pickup(part)


def _with_pickup(part: "Part") -> "Part":
    """Return a part in measures, whose first one is a beginning that is shorter than its metre."""
    made: Part = part.makeNotation()
    first, second, *_ = made.getElementsByClass("Measure")
    if second.timeSignature is not None:
        short = first.duration.quarterLength
        first.timeSignature = second.timeSignature
        second.timeSignature = None
        first.paddingLeft = first.barDuration.quarterLength - short
    for number, measure in enumerate(made.getElementsByClass("Measure")):
        measure.number = number
    return made


def _quarters(ticks: int, piece: Piece) -> Fraction:
    return Fraction(ticks, piece.resolution)


def _to_pitch(pitch: int, fifths: int) -> Any:
    """Return a pitch by the name that it has in a key of so many sharps."""
    from music21.pitch import Pitch

    step, alter, octave = spell(pitch, fifths)
    spelled = Pitch(step + ("#" * alter if alter > 0 else "-" * -alter))
    spelled.octave = octave  # within a name the sign of -1 would be a flat
    return spelled

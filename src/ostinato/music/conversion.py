"""`Piece` to and from `muspy.Music` and `symusic.Score`."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import symusic
from numpy.typing import NDArray

from ostinato.music import arrays
from ostinato.music.piece import LOUDNESS, NOTE, Piece

if TYPE_CHECKING:
    import muspy

MICROSECONDS_PER_MINUTE = 60_000_000
LONGEST_NAME = 200  # characters of a track's name that are kept


def from_symusic(score: Any, name: str) -> Piece:
    """Return a symusic score in ticks as a piece; tracks without notes are left out.

    Notes are taken as they are, impossible ones too; tempos and signatures only where they make
    sense, and none after the last note has ended.
    """
    tracks = [track for track in score.tracks if len(track.notes)]
    notes = np.empty(sum(len(track.notes) for track in tracks), NOTE)
    start = 0
    for index, track in enumerate(tracks):
        columns = track.notes.numpy()
        own = notes[start : (start := start + len(columns["time"]))]
        own["onset"], own["duration"] = columns["time"], _at_least_1(columns["duration"])
        own["pitch"], own["velocity"] = columns["pitch"], _at_least_1(columns["velocity"])
        own["program"], own["drum"], own["track"] = track.program, track.is_drum, index
    tempos = [(t.time, MICROSECONDS_PER_MINUTE / t.mspq) for t in score.tempos if t.mspq > 0]
    signatures = [(s.time, s.numerator, s.denominator) for s in score.time_signatures]
    keys = [(k.time, k.key, k.tonality == 1) for k in score.key_signatures]
    resolution = score.ticks_per_quarter
    piece = Piece(
        name=name,
        resolution=resolution,
        notes=notes,
        tempos=arrays.tempos(tempos, resolution),
        time_signatures=arrays.time_signatures(signatures, resolution),
        key_signatures=arrays.key_signatures(keys, resolution),
        track_names=tuple(clean(track.name) for track in tracks),
    )
    return piece.without_changes_from(piece.end + 1)


class Part(NamedTuple):
    """A track as MIDI has it, with one program: its notes (dtype `NOTE`) are in ticks."""

    name: str
    program: int
    drum: bool
    notes: NDArray[Any]


def parts_of(piece: Piece) -> list[Part]:
    """Return the tracks of a piece; one in which the program changes is several of one name."""
    parts: list[Part] = []
    for index, name in enumerate(piece.track_names):
        notes = piece.track(index)
        players = notes["program"].astype(np.int64) * 2 + notes["drum"]
        if len(notes) and (players == players[0]).all():
            parts.append(Part(name, int(notes["program"][0]), bool(notes["drum"][0]), notes))
            continue
        found, first = np.unique(players, return_index=True)
        for player in found[np.argsort(first)].tolist():
            parts.append(Part(name, player // 2, bool(player % 2), notes[players == player]))
        if not len(notes):
            parts.append(Part(name, 0, False, notes))
    return parts


def to_symusic(piece: Piece) -> Any:
    """Return the piece as a symusic score in ticks, with a track for each of `parts_of`."""
    score = symusic.Score(piece.resolution)
    for name, program, drum, notes in parts_of(piece):
        track = symusic.Track(name, program, drum)
        track.notes = symusic.Note.from_numpy(
            notes["onset"].astype(np.int32),
            notes["duration"].astype(np.int32),
            notes["pitch"].astype(np.int8),
            notes["velocity"].astype(np.int8),
        )
        score.tracks.append(track)
    for tempo in piece.tempos:
        score.tempos.append(symusic.Tempo(int(tempo["onset"]), float(tempo["qpm"])))
    for signature in piece.time_signatures:
        score.time_signatures.append(symusic.TimeSignature(*(int(v) for v in signature)))
    for key in piece.key_signatures:
        score.key_signatures.append(
            symusic.KeySignature(int(key["onset"]), int(key["fifths"]), int(key["minor"]))
        )
    return score


def from_muspy(music: "muspy.Music", name: str) -> Piece:
    """Return a muspy object as a piece: chords become notes, tracks without notes are left out.

    Raises `UnreadableError` for a pitch or a program beyond those of MIDI.
    """
    sounding: list[tuple[Any, ...]] = []
    names: list[str] = []
    for track in music.tracks:
        sounds = [(n.time, n.duration, n.pitch, n.velocity) for n in track.notes]
        for chord in track.chords:
            sounds += [(chord.time, chord.duration, p, chord.velocity) for p in chord.pitches]
        if not sounds:
            continue
        sounding += [
            (
                time,
                max(duration, 1),
                pitch,
                LOUDNESS if velocity is None else min(max(velocity, 1), 127),
                track.program,
                track.is_drum,
                len(names),
            )
            for time, duration, pitch, velocity in sounds
        ]
        names.append(clean(track.name or ""))
    signatures = [(s.time, s.numerator, s.denominator) for s in music.time_signatures]
    keys = [
        (k.time, k.fifths, k.mode == "minor") for k in music.key_signatures if k.fifths is not None
    ]
    piece = Piece(
        name=name,
        resolution=music.resolution,
        notes=arrays.notes(sounding),
        tempos=arrays.tempos([(t.time, t.qpm) for t in music.tempos], music.resolution),
        time_signatures=arrays.time_signatures(signatures, music.resolution),
        key_signatures=arrays.key_signatures(keys, music.resolution),
        track_names=tuple(names),
    )
    return piece.without_changes_from(piece.end + 1)


def to_muspy(piece: Piece) -> "muspy.Music":
    """Return the piece as a `muspy.Music`."""
    import muspy

    tracks = []
    for index, name in enumerate(piece.track_names):
        notes = piece.track(index)
        tracks.append(
            muspy.Track(
                program=int(notes["program"][0]) if len(notes) else 0,
                is_drum=bool(notes["drum"][0]) if len(notes) else False,
                name=name,
                notes=[
                    muspy.Note(
                        int(n["onset"]), int(n["pitch"]), int(n["duration"]), int(n["velocity"])
                    )
                    for n in notes
                ],
            )
        )
    return muspy.Music(
        metadata=muspy.Metadata(title=piece.name),
        resolution=piece.resolution,
        tempos=[muspy.Tempo(int(t["onset"]), float(t["qpm"])) for t in piece.tempos],
        time_signatures=[muspy.TimeSignature(*(int(v) for v in s)) for s in piece.time_signatures],
        key_signatures=[
            muspy.KeySignature(
                int(k["onset"]), mode="minor" if k["minor"] else "major", fifths=int(k["fifths"])
            )
            for k in piece.key_signatures
        ],
        tracks=tracks,
    )


def _at_least_1(values: NDArray[Any]) -> NDArray[Any]:
    """Turn 0 into 1; what is negative stays, to be seen."""
    return np.where(values == 0, 1, values)


def clean(name: str) -> str:
    """Return the printable characters of a track's name, as many as are kept."""
    return "".join(c for c in name[:LONGEST_NAME] if c.isprintable()).strip()

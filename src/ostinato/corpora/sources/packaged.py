"""The corpora that music21 carries, exported as MIDI: no network is needed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import numpy as np

from ostinato.console import say, track, warn
from ostinato.corpora.sources.source import Source, Terms
from ostinato.errors import UnreadableError, UserError
from ostinato.music import abc
from ostinato.music.conversion import MICROSECONDS_PER_MINUTE
from ostinato.music.music21_parts import read_kern
from ostinato.music.musicxml import read_musicxml
from ostinato.music.piece import TEMPO, Piece, array
from ostinato.music.writing import write_midi
from ostinato.parallel import Workers
from ostinato.wording import quantity

RESOLUTION = 480  # the customary one of MIDI files; it holds all 408 chorales exactly
QPM = 96.0  # where a score has no tempo: the commonest of the chorales that have one

Job = tuple[Path, str, str]  # the file, the name of the piece, the text of the tune if ABC


ENCODED_FOR_MUSIC21 = (
    "the music is in the public domain; the encodings are distributed with music21 by "
    "permission, see corpus/license.txt there."
)


@dataclass(frozen=True)
class Packaged(Source):
    """A folder of music21's corpus."""

    fixed: ClassVar[bool] = True
    folder: ClassVar[str]
    suffix: ClassVar[str]
    count: ClassVar[int]  # how many scores or tunes music21 9.9.2 carries
    licence: ClassVar[str]
    citation: ClassVar[str] = (
        "Michael Scott Cuthbert and Christopher Ariza, music21: A Toolkit for Computer-Aided "
        "Musicology and Symbolic Music Data, ISMIR 2010."
    )

    def terms(self) -> Terms:
        """Return the terms as music21 states them."""
        return Terms(self.licence, self.citation)

    def jobs(self) -> list[Job]:
        """Return what to read, in order."""
        return [(file, file.stem, "") for file in _files(self.folder, self.suffix)]

    def pieces(self, processes: int = 1) -> Iterator[Piece]:
        """Yield the readable pieces in order, at 480 ticks a quarter, as MIDI can hold them.

        What cannot be read is counted and said at the end.
        """
        failed: list[tuple[str, str]] = []
        jobs = self.jobs()
        read = Workers.of_this_machine(processes).map(_read, jobs, _report_crash)
        for name, result in track(read, f"reading {self.folder}", len(jobs)):
            if isinstance(result, str):
                failed.append((name, result))
            else:
                yield result
        if failed:
            shown = "; ".join(f"{name}: {reason}" for name, reason in failed[:5])
            more = f"; and {len(failed) - 5} more" if len(failed) > 5 else ""
            warn(f"{len(failed)} of {len(jobs)} could not be read ({shown}{more})")

    def write(self, folder: Path, processes: int, mirror: str | None = None) -> None:  # noqa: ARG002
        """Write each piece as a MIDI file."""
        written = 0
        for piece in self.pieces(processes):
            write_midi(piece, folder / f"{piece.name}.mid")
            written += 1
        say(f"{quantity(written, 'piece')} written as MIDI")


class BachChorales(Packaged):
    """Johann Sebastian Bach's 408 chorales (and a few movements) in MusicXML."""

    folder, suffix, count = "bach", ".mxl", 408
    licence = ENCODED_FOR_MUSIC21


class AbcTunes(Packaged):
    """A collection of tunes in ABC, of which a file may hold several."""

    suffix = ".abc"

    def jobs(self) -> list[Job]:
        """Return one job a tune; a file of several numbers them."""
        return [job for file in _files(self.folder, self.suffix) for job in _tunes(file)]


class RyansMammoth(AbcTunes):
    """Ryan's Mammoth Collection (1883): 1,059 fiddle tunes in ABC."""

    folder, count = "ryansMammoth", 1059
    licence = (
        "the tunes are in the public domain; the transcriptions, by John Chambers, are distributed "
        "with music21 by permission."
    )


class EssenFolksongs(AbcTunes):
    """The Essen folksong collection: 8,514 songs, most of them German or Chinese, in ABC."""

    folder, count = "essenFolksong", 8514
    licence = "non-commercial use only, see corpus/essenFolksong/license.txt in music21."
    citation = (
        "Helmut Schaffrath, The Essen Folksong Collection, in ABC by Seymour Shlien; and "
        + Packaged.citation
    )


class ONeills(AbcTunes):
    """O'Neill's Music of Ireland (1903): 2,009 airs, jigs, reels and hornpipes in ABC."""

    folder, count = "oneills1850", 2009
    licence = (
        "the tunes are in the public domain; the transcriptions, by volunteers whom the files "
        "name, are distributed with music21 by permission."
    )


class Trecento(Packaged):
    """Italian and French songs of the fourteenth century: 101 scores in MusicXML."""

    folder, suffix, count = "trecento", ".xml", 101
    licence = ENCODED_FOR_MUSIC21


class Monteverdi(Packaged):
    """Madrigals by Claudio Monteverdi, books 3 to 5: 49 scores in MusicXML."""

    folder, suffix, count = "monteverdi", ".mxl", 49
    licence = ENCODED_FOR_MUSIC21


class Palestrina(Packaged):
    """Masses by Giovanni Pierluigi da Palestrina: 1,318 movements and sections in **kern."""

    folder, suffix, count = "palestrina", ".krn", 1318
    licence = (
        'the music is in the public domain; the encodings are "Copyright 2000, John Miller. Rights '
        'to all derivative electronic formats reserved.", as the files say, and distributed with '
        "music21 by permission: ask before you pass on what is made from them."
    )


def as_midi_holds_it(piece: Piece) -> Piece:
    """Return the same sound, written so that reading its MIDI file gives an equal piece.

    Tempos become whole microseconds per quarter note. Where a pitch is struck again in the same
    voice while it still sounds, the first note to begin is the first to end.
    """
    tempos = piece.tempos if len(piece.tempos) else array(TEMPO, onset=0, qpm=QPM)
    tempos = tempos.copy()
    tempos["qpm"] = MICROSECONDS_PER_MINUTE / np.round(MICROSECONDS_PER_MINUTE / tempos["qpm"])
    notes = piece.notes.copy()
    ends = notes["onset"] + notes["duration"]
    by_onset = np.lexsort((notes["onset"], notes["pitch"], notes["track"]))
    by_end = np.lexsort((ends, notes["pitch"], notes["track"]))
    notes["duration"][by_onset] = ends[by_end] - notes["onset"][by_onset]
    return replace(piece, notes=notes, tempos=tempos)


def at_common_resolution(piece: Piece) -> Piece:
    """Return the piece at 480 ticks a quarter, or at its own where that would move something."""
    times = (piece.notes["onset"], piece.notes["duration"], piece.time_signatures["onset"])
    moved = any(np.any(ticks * RESOLUTION % piece.resolution) for ticks in times)
    return piece if moved else piece.at_resolution(RESOLUTION)


def _files(folder: str, suffix: str) -> list[Path]:
    spec = find_spec("music21")
    if spec is None or spec.origin is None:
        raise UserError("music21 is not installed: run `pip install music21==9.9.2`.")
    files = sorted((Path(spec.origin).parent / "corpus" / folder).glob(f"*{suffix}"))
    if not files:
        raise UserError(
            f"This copy of music21 carries no corpus/{folder}: install it with "
            "`pip install --force-reinstall music21==9.9.2`."
        )
    return files


def _tunes(file: Path) -> list[Job]:
    tunes = abc.tunes(abc.read_text(file))
    if len(tunes) == 1:
        return [(file, file.stem, tunes[0])]
    return [(file, f"{file.stem}-{i:04d}", tune) for i, tune in enumerate(tunes, 1)]


def _read(job: Job) -> tuple[str, Piece | str]:
    file, name, tune = job
    try:
        read = read_kern if file.suffix == Palestrina.suffix else read_musicxml
        piece = abc.read_tune(tune, name) if tune else read(file, name)
        return name, as_midi_holds_it(at_common_resolution(piece))
    except UnreadableError as error:
        return name, str(error)


def _report_crash(job: Job) -> tuple[str, Piece | str]:
    return job[1], "reading it crashed"

"""A folder of music files -> parts of a store of pieces."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path

from ostinato.console import bar, say, where
from ostinato.corpora.corpus import Corpus
from ostinato.corpora.filters import prepare
from ostinato.corpora.store import ROWS, Reject, Remark, Row, part_file, write_part
from ostinato.errors import UnreadableError, UserError
from ostinato.music import abc, reading, remarks
from ostinato.music.piece import Piece
from ostinato.parallel import Workers, run_isolated

WORTH_PROCESSES = 4.0  # seconds: starting processes takes half as long
SECONDS = {"midi": 0.001, "score": 0.05}  # typical time to read one


@dataclass(frozen=True)
class Job:
    """One piece to read: a file, or one tune of an ABC file."""

    source: str  # the file relative to the corpus, with slashes
    path: str  # the same as the system has it: names that are not UTF-8 stay what they are
    number: int = 0  # which tune of the file, from 1; 0 where the file is one piece
    name: str = ""

    @property
    def suffix(self) -> str:
        """Return how the file's name ends, in small letters."""
        return os.path.splitext(self.path)[1].lower()  # noqa: PTH122  (faster, for many files)

    def named(self, with_suffix: bool) -> str:
        """Return the relative path, and for one tune of several its number."""
        name = self.source if with_suffix else self.source[: -len(self.suffix)]
        return f"{name}-{self.number:04d}" if self.number else name

    def where(self) -> str:
        """Return the file, and the tune in it."""
        return f"{self.source} (tune {self.number})" if self.number else self.source


@dataclass(frozen=True)
class Chunk:
    """The jobs of one part of the store."""

    number: int
    jobs: tuple[Job, ...]


def ingest(
    folder: Path, files: Sequence[Path], corpus: Corpus, into: Path, workers: Workers
) -> int:
    """Read and filter music files, as `music_files` finds them, into parts in the folder `into`.

    Parts that are there already stay: a reading that was stopped goes on. They do not depend on
    `workers`. A piece is named by its file's relative path without the suffix; where two would
    share a name, both keep the suffix. Returns the number of parts. Raises `UserError` when there
    is no music file at all.
    """
    if not files:
        raise UserError(_nothing(folder))
    jobs = _name_jobs([job for file in files for job in _jobs(file, folder)])
    chunks = [
        Chunk(number, tuple(jobs[start : start + ROWS]))
        for number, start in enumerate(range(0, len(jobs), ROWS))
    ]
    waiting = [chunk for chunk in chunks if not part_file(into, chunk.number).exists()]
    done = len(jobs) - sum(len(chunk.jobs) for chunk in waiting)
    if done:
        say(f"going on: {done} of {len(jobs)} were read before")
    read = partial(_read_chunk, folder, corpus, into)
    enough = workers if _seconds(waiting) > WORTH_PROCESSES else replace(workers, processes=1)
    if workers.backend != "loky":
        enough = workers
    with bar("reading", len(jobs), "pieces") as advance:
        advance(done)
        for count in enough.map(read, waiting, partial(_read_carefully, folder, corpus, into)):
            done += count
            advance(done)
    return len(chunks)


def _jobs(path: Path, folder: Path) -> list[Job]:
    relative = path.relative_to(folder).as_posix()
    job = Job(relative.encode("utf-8", "backslashreplace").decode(), relative)
    if job.suffix not in reading.ABC:
        return [job]
    try:
        count = len(_tunes(str(path)))
    except (OSError, UnreadableError):
        return [job]  # reading it again will say why
    return [job] if count == 1 else [replace(job, number=i + 1) for i in range(count)]


@lru_cache(maxsize=1)
def _tunes(path: str) -> list[str]:
    return abc.tunes(abc.read_text(Path(path)))


def _name_jobs(jobs: list[Job]) -> list[Job]:
    keep_suffix = [False] * len(jobs)
    while True:
        names = [job.named(keep) for job, keep in zip(jobs, keep_suffix, strict=True)]
        counts = Counter(names)
        clashes = [i for i, name in enumerate(names) if counts[name] > 1 and not keep_suffix[i]]
        if not clashes:
            return [replace(job, name=name) for job, name in zip(jobs, names, strict=True)]
        for i in clashes:
            keep_suffix[i] = True


def _seconds(chunks: list[Chunk]) -> float:
    kinds = ("midi" if job.suffix in reading.MIDI else "score" for c in chunks for job in c.jobs)
    return sum(SECONDS[kind] for kind in kinds)


def _read_chunk(folder: Path, corpus: Corpus, into: Path, chunk: Chunk) -> int:
    rows = chain.from_iterable(_read(folder, corpus, job) for job in chunk.jobs)
    return _write(rows, corpus, into, chunk)


def _read_carefully(folder: Path, corpus: Corpus, into: Path, chunk: Chunk) -> int:
    """Read a chunk in which something kills its process: each job may die for itself."""
    results = run_isolated(partial(_read, folder, corpus), chunk.jobs)
    rows = (
        outcome[0] if outcome else [Reject(job.where(), "reading it crashed or ran out of memory")]
        for job, outcome in zip(chunk.jobs, results, strict=True)
    )
    return _write(chain.from_iterable(rows), corpus, into, chunk)


def _write(rows: Iterator[Row], corpus: Corpus, into: Path, chunk: Chunk) -> int:
    write_part(rows, part_file(into, chunk.number), digests=corpus.duplicates == "drop")
    return len(chunk.jobs)


def _read(folder: Path, corpus: Corpus, job: Job) -> list[Row]:
    """Return the piece of a job and what was guessed in it, or why there is none."""
    try:
        with remarks.collect() as made:
            piece = prepare(_piece(folder / job.path, job), corpus)
    except UnreadableError as error:
        return [Reject(job.where(), str(error))]
    except OSError as error:
        return [Reject(job.where(), f"it cannot be opened: {error.strerror}")]
    except Exception as error:  # one bad file must not end the reading of the others
        return [Reject(job.where(), f"reading it failed: {type(error).__name__}: {error}")]
    return [(job.source, piece), *(Remark(job.where(), remark) for remark in made)]


def _piece(path: Path, job: Job) -> Piece:
    if job.number:
        return abc.read_tune(_tunes(str(path))[job.number - 1], job.name)
    return next(reading.read(path, job.name))


def _nothing(folder: Path) -> str:
    known = ", ".join(reading.SUFFIXES)
    others = Counter(path.suffix or "no suffix" for path in folder.rglob("*") if path.is_file())
    if not others:
        return f"{where(folder)} is empty: put music there (files ending in {known})."
    seen = ", ".join(f"{n} {suffix}" for suffix, n in others.most_common(3))
    return f"There is no music in {where(folder)}, only {seen}: files ending in {known} are read."

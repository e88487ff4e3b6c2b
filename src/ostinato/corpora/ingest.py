"""A folder of music files -> pieces and rejects."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ostinato.corpora.corpus import Corpus
from ostinato.corpora.filters import prepared
from ostinato.corpora.parallel import each
from ostinato.errors import UnreadableError, UserError
from ostinato.music import abc, reading
from ostinato.music.piece import Piece

WORTH_PROCESSES = 2.0  # seconds: starting processes takes about as long
SECONDS = {"midi": 0.001, "score": 0.05}  # typical time to read one


@dataclass(frozen=True)
class Reject:
    """A file that gave no piece, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Job:
    """One piece to read: a file, or one tune of an ABC file."""

    path: Path
    source: str
    """The file relative to the corpus, with slashes."""
    number: int = 0
    tune: str = ""

    def name(self, with_suffix: bool) -> str:
        """The relative path, and for one tune of several its number."""
        name = self.source if with_suffix else self.source[: -len(self.path.suffix)]
        return f"{name}-{self.number:04d}" if self.number else name


def music_files(folder: Path) -> list[Path]:
    """The music files in a folder and its subfolders, sorted; hidden ones are left out."""
    found = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in reading.SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    ]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def ingest(folder: Path, corpus: Corpus, processes: int) -> Iterator[tuple[str, Piece] | Reject]:
    """Read and filter every music file below `folder`, in order, streamed.

    Yields (file, piece) or a `Reject`. A piece is named by its file's relative path without the
    suffix; where two would share a name, both keep the suffix. Raises `UserError` when there is
    no music file at all.
    """
    files = music_files(folder)
    if not files:
        raise UserError(_nothing(folder))
    jobs: list[Job] = []
    for file in files:
        jobs += _jobs(file, folder)
    tasks = list(zip(jobs, _names(jobs), strict=True))
    seconds = sum(SECONDS["midi" if _is_midi(job) else "score"] for job in jobs)
    enough = processes if seconds > WORTH_PROCESSES else 1
    yield from each(partial(_read, corpus), tasks, enough, "reading", _crashed)


def _jobs(path: Path, folder: Path) -> list[Job]:
    source = path.relative_to(folder).as_posix().encode("utf-8", "replace").decode()
    if path.suffix.lower() not in reading.ABC:
        return [Job(path, source)]
    try:
        tunes = abc.tunes(abc.read_text(path))
    except OSError:
        return [Job(path, source)]  # reading it again will say why
    if len(tunes) == 1:
        return [Job(path, source, tune=tunes[0])]
    return [Job(path, source, number, tune) for number, tune in enumerate(tunes, 1)]


def _names(jobs: list[Job]) -> list[str]:
    keep_suffix = [False] * len(jobs)
    while True:
        names = [job.name(keep) for job, keep in zip(jobs, keep_suffix, strict=True)]
        counts = Counter(names)
        clashes = [i for i, name in enumerate(names) if counts[name] > 1 and not keep_suffix[i]]
        if not clashes:
            return names
        for i in clashes:
            keep_suffix[i] = True


def _read(corpus: Corpus, task: tuple[Job, str]) -> tuple[str, Piece] | Reject:
    job, name = task
    where = f"{job.source} (tune {job.number})" if job.number else job.source
    try:
        return job.source, prepared(replace(_piece(job), name=name), corpus)
    except UnreadableError as error:
        return Reject(where, str(error))
    except OSError as error:
        return Reject(where, f"it cannot be opened: {error.strerror}")
    except Exception as error:  # one bad file must not end the reading of the others
        return Reject(where, f"reading it failed: {type(error).__name__}: {error}")


def _piece(job: Job) -> Piece:
    if job.tune:
        return abc.read_tune(job.tune, "")
    return next(reading.read(job.path))


def _is_midi(job: Job) -> bool:
    return job.path.suffix.lower() in reading.MIDI


def _crashed(task: tuple[Job, str]) -> tuple[str, Piece] | Reject:
    return Reject(task[0].source, "reading it crashed or ran out of memory")


def _nothing(folder: Path) -> str:
    known = ", ".join(reading.SUFFIXES)
    others = Counter(path.suffix or "no suffix" for path in folder.rglob("*") if path.is_file())
    if not others:
        return f"{folder} is empty: put music there (files ending in {known})."
    seen = ", ".join(f"{n} {suffix}" for suffix, n in others.most_common(3))
    return f"There is no music in {folder}, only {seen}: files ending in {known} are read."

"""The list of the jobs of a sweep, which only the process that launches them writes."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ostinato.config.location import key_of
from ostinato.files import write_json
from ostinato.sweeps.jobs import FINISHED, RUNNING, Origin

MANIFEST = "sweep.json"  # in the folder of a sweep
SWEEPS = Path("outputs") / "sweeps"
# of Hydra's words, those that change how a sweep is run and not what it is
UNNAMED = (
    *("hydra/launcher", "hydra.verbose", "hydra.mode", "hydra.sweeper.n_jobs"),
    *("hydra.sweeper.n_trials", "hydra.sweeper.max_failure_rate", "hydra.sweeper.max_batch_size"),
)
UNNAMED_BELOW = ("sweep.", "hydra.launcher.", "hydra.sweep.")


@dataclass(frozen=True)
class Job:
    """A job of a sweep, and the name of its folder.

    origin: None where its config cannot be composed, which the job itself says.
    """

    number: int
    overrides: tuple[str, ...]
    origin: Origin | None
    folder: str


@dataclass(frozen=True)
class Manifest:
    """A sweep: the words of its command, its jobs by number, and the source files they run.

    files: a fingerprint by path. trials: how many a search has in all; None without a search.
    results: a row a job, once the sweep has ended.
    """

    command: tuple[str, ...]
    jobs: tuple[Job, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    state: str = RUNNING
    trials: int | None = None
    results: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def read(cls, folder: Path) -> "Manifest | None":
        """Return the manifest in the folder of a sweep; None where none can be read."""
        try:
            found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            jobs = tuple(_read_job(job) for job in found.pop("jobs"))
            return cls(tuple(found.pop("command")), jobs, **found)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, folder: Path) -> None:
        """Write the manifest, in one step; the folder is made where it is not."""
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / MANIFEST, asdict(self), within=folder)

    def job(self, number: int) -> Job | None:
        """Return the job of a number; None where there is none."""
        return next((job for job in self.jobs if job.number == number), None)

    @property
    def finished(self) -> bool:
        """Return whether every job has come to its end."""
        return self.state == FINISHED


def name_command(typed: Sequence[str]) -> tuple[str, ...]:
    """Return the words of a command line by which its sweep is found again."""
    words = (word for word in typed if "=" in word or word.startswith("~"))
    return tuple(sorted(word for word in words if _is_named(key_of(word))))


def find_unfinished(root: Path, command: Sequence[str]) -> list[Path]:
    """Return the folders of the sweeps of a command that have not ended, the newest first."""
    return [
        folder
        for folder, manifest in _sweeps(root)
        if manifest.command == tuple(command) and not manifest.finished
    ]


def find_related(root: Path, command: Sequence[str]) -> list[Path]:
    """Return the folders of the sweeps that set the same keys, the newest first."""
    keys = _keys(command)
    return [folder for folder, manifest in _sweeps(root) if _keys(manifest.command) == keys]


def _sweeps(root: Path) -> Iterator[tuple[Path, Manifest]]:
    for file in sorted((root / SWEEPS).glob(f"*/*/{MANIFEST}"), reverse=True):
        if (manifest := Manifest.read(file.parent)) is not None:
            yield file.parent, manifest


def _keys(command: Collection[str]) -> set[str]:
    return {key_of(word) for word in command}


def _is_named(key: str) -> bool:
    return key not in UNNAMED and not key.startswith(UNNAMED_BELOW)


def _read_job(found: Mapping[str, Any]) -> Job:
    origin = found["origin"]
    overrides = tuple(found["overrides"])
    return Job(found["number"], overrides, Origin(**origin) if origin else None, found["folder"])

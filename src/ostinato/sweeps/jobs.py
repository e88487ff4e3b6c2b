"""Records of the jobs of a sweep: each writes its own, into its own folder."""

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ostinato.files import write_json

RECORD, ERROR = "job.json", "error.txt"  # in the folder of a job
RUNNING, FINISHED, FAILED, PRUNED = "running", "finished", "failed", "pruned"
DONE = (FINISHED, PRUNED)


@dataclass(frozen=True)
class Reached:
    """The result of a training. score: the figure that chose its weights, less is better.

    minutes: how long it took; megabytes: the most memory that it held; epochs: how many it ran;
    pruned: a sentence that says why the search ended it, or nothing.
    """

    score: float | None
    minutes: float
    megabytes: float
    epochs: int
    pruned: str = ""


@dataclass(frozen=True)
class Origin:
    """Fingerprints of what makes the figures of a job: its config, its code and its corpus."""

    config: str
    code: str
    data: str


@dataclass(frozen=True)
class JobRecord:
    """A job that was begun. training: the fingerprint of its training, once that has ended.

    run: the id of its MLflow run; error: a sentence where it failed.
    """

    number: int
    origin: Origin | None
    state: str = RUNNING
    training: str = ""
    run: str = ""
    reached: Reached | None = None
    error: str = ""

    @classmethod
    def read(cls, folder: Path) -> "JobRecord | None":
        """Return the record in the folder of a job; None where none can be read."""
        try:
            found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            origin = Origin(**found.pop("origin")) if found["origin"] else found.pop("origin")
            reached = found.pop("reached")
            return cls(**found, origin=origin, reached=Reached(**reached) if reached else None)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, folder: Path) -> None:
        """Write the record, in one step."""
        write_json(folder / RECORD, asdict(self), within=folder)

    def is_done(self, origin: Origin | None) -> bool:
        """Return whether the job has come to its end, and was what it would be now."""
        return self.state in DONE and origin is not None and self.origin == origin


def note_run(folder: Path, run: str) -> None:
    """Note the MLflow run of a job, once it has begun."""
    if (record := JobRecord.read(folder)) is not None:
        replace(record, run=run).write(folder)


def note_training(folder: Path, training: str, reached: Reached) -> None:
    """Note that the training of a job has ended, and what it came to."""
    if (record := JobRecord.read(folder)) is not None:
        replace(record, training=training, reached=reached).write(folder)


def finite(score: float | None) -> float | None:
    """Return a score that JSON can hold; None for one that is no number."""
    return score if score is not None and math.isfinite(score) else None

"""A project so small that a stage takes a second, and its states before and after each stage."""

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from checking import Faults, State, compare, read_state
from crashing import Point, Record, read_points
from starting import Start, Started, begin, forking

TINY = (
    "debug=smoke",
    "model.size=tiny",
    "model.backbone.hidden_size=8",
    "model.backbone.layers=1",
    "training.max_pieces=6",
    "training.batch_size=4",
    "sampling.pieces=1",
    "sampling.min_bars=0",
    "sampling.max_bars=2",
    "preprocess.processes=1",
)
Words = tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """A command that is disturbed; what was run `before` it; how many trainings it is."""

    name: str
    words: Words
    before: Sequence[Words] = ()
    jobs: int = 0
    elsewhere: bool = False
    """Whether checkpoints and temporary files are on another file system than the project."""
    workers: bool = False
    """Whether it starts processes of its own, which may outlive it."""


@dataclass(frozen=True)
class Undisturbed:
    """A start that nothing disturbed: what it found, what it made, and each file operation."""

    found: State
    made: State
    points: list[Point]
    seconds: float


@dataclass
class Workshop:
    """One project at a time, always at the same path, where MLflow's store finds its artifacts."""

    base: Path
    template: Path
    other_disk: Path
    _context: object = field(default_factory=forking)
    _undisturbed: dict[str, Undisturbed] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.base / "home" / "project"

    @property
    def log(self) -> Path:
        """What the last starts printed."""
        return self.base / "log"

    def said(self) -> str:
        """Return the end of what the last starts printed."""
        return self.log.read_text()[-2000:]

    def prepare(self, kind: Kind) -> None:
        """Put the project into the state before a command."""
        state = self.base / "states" / kind.name
        if not state.exists():
            self._copy(self.template)
            for words in kind.before:
                assert self.start(words).wait() == 0, self.said()
            shutil.copytree(self.project, state)
        self._copy(state)
        if kind.elsewhere:
            checkpoints = self.project / "outputs" / "checkpoints"
            shutil.rmtree(checkpoints, ignore_errors=True)
            (self.other_disk / "checkpoints").mkdir(parents=True)
            checkpoints.symlink_to(self.other_disk / "checkpoints", target_is_directory=True)

    def undisturbed(self, kind: Kind) -> Undisturbed:
        """Return what the command does where nothing disturbs it."""
        if kind.name not in self._undisturbed:
            self.prepare(kind)
            self.start(("--version",), tiny=False).wait()  # the fork server is there afterwards
            found, began = read_state(self.project), time.time()
            file = self.base / "points"
            record = Record(self.places(kind), file)
            assert self.start(kind.words, kind.elsewhere, record).wait() == 0, self.said()
            seconds = time.time() - began
            made = read_state(self.project)
            self._undisturbed[kind.name] = Undisturbed(
                found, made, read_points(file, began), seconds
            )
        return self._undisturbed[kind.name]

    def start(
        self, words: Words, elsewhere: bool = False, first: object = None, tiny: bool = True
    ) -> Started:
        """Start `ostinato` in the project and return at once."""
        temporary = self.temporary(elsewhere)
        temporary.mkdir(parents=True, exist_ok=True)
        environment: Mapping[str, str] = {
            "TMPDIR": str(temporary),
            "XDG_CACHE_HOME": str(self.base / "cache"),
        }
        words = (words[0], *(TINY if tiny else ()), *words[1:])
        start = Start(words, self.project, self.log, environment, first)  # type: ignore[arg-type]
        return begin(self._context, start)  # type: ignore[arg-type]

    def finish(self, kind: Kind, prefix: str, faults: Faults) -> None:
        """Start a command that was disturbed once more, and note how what it makes differs."""
        undisturbed, before = self.undisturbed(kind), read_state(self.project)
        self.log.write_text("")
        last = self.start(kind.words, kind.elsewhere)
        code = last.wait()
        if code != 0:
            last.kill()
            words = [line for line in self.log.read_text().splitlines() if line.strip()]
            faults.stuck.append(f"{prefix}: exit {code}: {(words or ['(silent)'])[-1][:300]}")
            return
        after = read_state(self.project)
        found = compare(after, before, undisturbed.made, undisturbed.found, kind.jobs)
        faults.add(found, prefix)

    def temporary(self, elsewhere: bool) -> Path:
        return (self.other_disk if elsewhere else self.base) / "tmp"

    def places(self, kind: Kind) -> tuple[str, ...]:
        """Where file operations count."""
        return f"{self.project}/", f"{self.temporary(kind.elsewhere)}/", f"{self.other_disk}/"

    def _copy(self, state: Path) -> None:
        for folder in (self.project.parent, self.base / "tmp", self.other_disk):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(state, self.project)

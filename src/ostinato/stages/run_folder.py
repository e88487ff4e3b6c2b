"""The folder of a run or a sweep: its own, also where several start in the same second."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path

from ostinato import console, scratch
from ostinato.config.launching import MULTIRUN
from ostinato.config.location import key_of
from ostinato.config.yaml_files import read_yaml
from ostinato.errors import ConfigError
from ostinato.folders import SHOWN, listed
from ostinato.locks import if_free
from ostinato.sweeps.jobs import ERROR, RECORD
from ostinato.sweeps.manifest import MANIFEST
from ostinato.sweeps.parent import SWEEP_NOTE

RUN_DIR, SWEEP_DIR = "hydra.run.dir", "hydra.sweep.dir"
RUNNING = (*MULTIRUN, "-r", "--run")  # with any other flag, Hydra prints something and runs nothing
# what is found in the folder of a run, or of a sweep; one of the marks is there in any
MARKS = {RUN_DIR: (".hydra",), SWEEP_DIR: ("multirun.yaml", MANIFEST)}
RUN: tuple[str, ...] = (".hydra", "config.yaml", "split.json", "curves.csv", "mlflow_runs.json")
RUN += (
    "provenance.json",
    "model",
    "samples",
    "evaluation",
    "pieces",
    "*.log",
    scratch.NAME,
    RECORD,
    ERROR,
)
SWEEP: tuple[str, ...] = (
    "multirun.yaml",
    "optimization_results.yaml",
    "[0-9]*",
    "*.log",
    "*.db",
    scratch.NAME,
)
SWEEP += (MANIFEST, SWEEP_NOTE, "compare.html", "parallel_coordinates.png", "slices.png")


@contextmanager
def own_folder(
    words: Sequence[str],
    conf: Path,
    root: Path,
    sweeping: bool | None = None,
    earlier: Sequence[Path] = (),
) -> Iterator[list[str]]:
    """Yield the command line with a folder that this process has to itself while it runs.

    A folder that is named by the time gets a number where another run has that name. One that the
    user names is waited for while another process works in it. A sweep goes on in the first of
    its `earlier` folders in which no process works. Raises `ConfigError` where a folder holds
    anything that no run wrote.
    """
    if not runs_jobs(words):
        yield list(words)
        return
    if sweeping is None:
        sweeping = any(word in MULTIRUN for word in words)
    key = SWEEP_DIR if sweeping else RUN_DIR
    with ExitStack() as held:
        folder, named = _named(words, key), True
        if folder is None and earlier:
            folder, named = _first_free(earlier, held), False
        if folder is not None and "${" in str(folder):  # Hydra alone can tell; `check` sees later
            yield list(words)
            return
        if folder is None and (pattern := _pattern(conf, key)):
            folder, named = _claim(root / _at(datetime.now(), pattern)), False
            held.callback(_remove_empty, folder)
            held.enter_context(scratch.exclusive(folder / "run"))
        if folder is None or "${" in str(folder):
            yield list(words)
            return
        check(root / folder, key)
        if named:
            held.enter_context(scratch.exclusive(root / folder / "run"))
        yield [*words, *([] if named else [f"{key}={_quoted(folder, root)}"])]


def _quoted(folder: Path, root: Path) -> str:
    """Return a folder of the project as Hydra takes it."""
    text = str(folder.relative_to(root)).replace("'", "\\'")
    return f"'{text}'"


def _first_free(folders: Sequence[Path], held: ExitStack) -> Path | None:
    """Return the first folder in which no other process works, which `held` keeps for us."""
    for folder in folders:
        place = scratch.place_of(folder / "run")
        place.mkdir(exist_ok=True)
        with ExitStack() as attempt:
            attempt.callback(scratch.remove_empty, place)
            if attempt.enter_context(if_free(place / "run")):
                held.enter_context(attempt.pop_all())
                return folder
    return None


def runs_jobs(words: Sequence[str]) -> bool:
    """Return whether Hydra runs anything, and does not only print."""
    return not any(word.startswith("-") and word not in RUNNING for word in words)


def sweep_folder(words: Sequence[str]) -> Path | None:
    """Return the folder of a sweep that `own_folder` yielded a command line for; None of a run."""
    return _named(words, SWEEP_DIR)


def check(folder: Path, key: str = RUN_DIR) -> None:
    """Refuse a folder that holds anything that no run, or no sweep, writes into its folder."""
    names = SWEEP if key == SWEEP_DIR else RUN
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{key}={console.where(folder)} is a file: give a folder.")
    found = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    foreign = [name for name in found if not any(fnmatchcase(name, own) for own in names)]
    # the same names may be somebody's own: what a run left holds Hydra's record of it
    marked = any(name in MARKS[key] for name in found)
    unmarked = [name for name in found if name != scratch.NAME and not marked]
    if own := foreign or unmarked:
        raise ConfigError(
            f"{key}={console.where(folder)} holds what no run wrote "
            f"({listed(own[: SHOWN + 1])}): give a folder of its own."
        )


def _remove_empty(folder: Path) -> None:
    """Remove a claimed folder in which nothing was written, and that of its day if it is empty."""
    with suppress(OSError):
        folder.rmdir()
        folder.parent.rmdir()


def _named(words: Sequence[str], key: str) -> Path | None:
    named = [word.partition("=")[2] for word in words if key_of(word) == key]
    return Path(named[-1].strip("'\"")) if named else None


def _pattern(conf: Path, key: str) -> str | None:
    """Return the folder that the project's config names, with `${now:…}` in it."""
    _, mode, name = key.split(".")
    tree = read_yaml(conf / "config.yaml") or {}
    value = ((tree.get("hydra") or {}).get(mode) or {}).get(name)
    return value if isinstance(value, str) else None


def _at(time: datetime, pattern: str) -> str:
    return re.sub(r"\$\{now:([^}]*)\}", lambda match: time.strftime(match[1]), pattern)


def _claim(folder: Path) -> Path:
    """Make a folder that was not there: this one, or the first free one numbered from 2."""
    if "${" in str(folder):
        return folder
    for number in count(1):
        free = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            free.parent.mkdir(parents=True, exist_ok=True)
            free.mkdir()
        except (FileExistsError, FileNotFoundError):
            continue
        return free
    raise AssertionError

"""Folders that are replaced as a whole, and only where all that they hold was written by us.

What is replaced carries `.ostinato.json`, the names of the files that were written; the same files
give the same bytes, as the folder is hashed. A file that is not named there is somebody's own.
"""

import fnmatch
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from ostinato import console, scratch
from ostinato.errors import ConfigError, UserError
from ostinato.files import write_json

MANIFEST = ".ostinato.json"
SHOWN = 3  # names of somebody's own files in a refusal
# Every folder that is replaced, and the names in those that were written before they had a
# manifest; one without the first of them is somebody's own.
KINDS = {
    "model": (
        "weights.safetensors",
        "config.yaml",
        "vocabulary.tsv",
        "setting.json",
        "learned.json",
    ),
    "samples": (
        "sampling.json",
        "listen.html",
        "sample-*.mid",
        "sample-*.wav",
        "sample-*.png",
        "sample-*.musicxml",
    ),
    "evaluation": ("metrics.json", "report.html", "pieces.csv", "plots/*.csv"),
    "continuations": ("sample_01.json",),
    "pieces": ("index.parquet", "rejects.csv", "pieces-*.parquet", "notes-*.parquet"),
}


@contextmanager
def atomic_folder(path: Path, kind: str) -> Iterator[Path]:
    """Yield an empty folder to fill; on success it becomes `path`, on failure `path` is left.

    `kind` is one of `KINDS`. Raises `UserError` where `path` holds anything but a folder of that
    kind that ostinato wrote.
    """
    check_replaceable(path, kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch.clear(scratch.place_of(path))
    with scratch.temporary(path) as beside:
        new = beside / scratch.NEW
        new.mkdir()
        yield new
        move_folder(new, path, kind)


def move_folder(folder: Path, path: Path, kind: str) -> None:
    """Let a finished folder become `path`, in one step; raises `UserError` as `atomic_folder`.

    All that it holds is taken for written by ostinato.
    """
    (folder / MANIFEST).unlink(missing_ok=True)
    names = sorted({*entries(folder), MANIFEST})
    write_json(folder / MANIFEST, {"kind": kind, "files": names}, within=folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch.exclusive(path):
        check_replaceable(path, kind)  # somebody may have put something there meanwhile
        swap_folder(folder, path)


def swap_folder(folder: Path, path: Path, within: Path | None = None) -> None:
    """Put a folder in the place of another, which is removed.

    The caller has made sure that nobody else does so and that nothing of a user's is lost. A kill
    in between loses neither: `scratch.clear` puts back what was there.
    """
    if not path.exists():
        scratch.put(folder, path)
        return
    with scratch.temporary(path, within) as beside:
        home = beside.parent.parent
        target = (path.parent.resolve() / path.name).relative_to(home.resolve())
        (beside / scratch.TARGET).write_text(target.as_posix(), encoding="utf-8")
        shutil.move(path, beside / scratch.OLD)
        try:
            scratch.put(folder, path)
        except BaseException:
            (beside / scratch.OLD).replace(path)
            raise


def check_replaceable(path: Path, kind: str, setting: str = "") -> None:
    """Refuse to replace what is at `path`, unless it is a folder of that kind that ostinato wrote.

    `setting` is the key that names it, for a folder that the user chose. Raises `ConfigError` for
    one that was chosen, otherwise `UserError`; nothing is touched.
    """
    while True:
        seen = _identity(path)
        try:
            return _check_replaceable(path, kind, setting)
        except (UserError, FileNotFoundError):
            # another process may have put a new folder there in the middle of the look
            if _identity(path) == seen:
                raise


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _check_replaceable(path: Path, kind: str, setting: str) -> None:
    refusal = ConfigError if setting else UserError
    name = f"{setting}={console.where(path)}" if setting else console.where(path)
    way_out = f"give another {setting}" if setting else "move it away"
    if reason := unfit_place(path):
        raise refusal(f"{name} cannot be replaced, as {reason}: {way_out}.")
    if not path.exists():
        return
    manifest = _manifest(path)
    if manifest and manifest["kind"] != kind:
        raise refusal(f"{name} holds {manifest['kind']}, not {kind}: {way_out}.")
    if found := list(islice(foreign(path, _is_ours(path, kind, manifest)), SHOWN + 1)):
        raise refusal(
            f"{name} holds files that ostinato did not write there ({listed(found)}): "
            f"{way_out}{'' if setting else ' and run this again'}."
        )


def unfit_place(path: Path) -> str:
    """Say why no folder at `path` may be replaced, whatever it holds; empty where one may."""
    if path.is_symlink():
        return f"it is a link to {path.resolve()}"
    if path.exists() and not path.is_dir():
        return "it is a file"
    if files := [parent for parent in path.parents if parent.is_file()]:
        return f"{console.where(files[0])} is a file"
    real = path.resolve()
    if any(place.is_relative_to(real) for place in (Path.cwd().resolve(), console.standing())):
        return "it holds the folder in which this command was started"
    if path.is_mount():
        return "a file system is mounted on it"
    return ""


def foreign(folder: Path, is_ours: Callable[[str], bool]) -> Iterator[str]:
    """Yield the names in a folder that are not ours."""
    return (name for name in entries(folder) if not is_ours(name))


def entries(folder: Path) -> Iterator[str]:
    """Yield the relative names of all files and links below a folder, and of empty folders."""

    def fail(error: OSError) -> None:
        raise error  # what cannot be looked into is not ours to remove

    for parent, folders, files in os.walk(folder, onerror=fail):
        start = "" if Path(parent) == folder else f"{Path(parent).relative_to(folder).as_posix()}/"
        linked = [name for name in folders if (Path(parent) / name).is_symlink()]
        folders.sort()
        yield from (start + name for name in sorted([*files, *linked]))
        if start and not files and not folders:
            yield start


def listed(names: list[str]) -> str:
    """Return the first few names, as they can be printed: not every name is UTF-8."""
    text = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
    return text.encode("utf-8", "replace").decode()


def remove_folder(folder: Path, is_ours: Callable[[str], bool]) -> list[str]:
    """Remove a folder of ours, but for files that are not; returns those.

    It is renamed first: a kill leaves no half of it in its place.
    """
    kept = list(foreign(folder, is_ours))
    if not kept:
        with scratch.temporary(folder) as beside:
            folder.replace(beside / scratch.NEW)
    for name in entries(folder) if kept else ():
        if is_ours(name):
            (folder / name).unlink()
    return kept


def _is_ours(folder: Path, kind: str, manifest: Mapping[str, Any] | None) -> Callable[[str], bool]:
    """Return what tells our names by the manifest, or in an older folder by known names."""
    if manifest is not None:
        return set(manifest["files"]).__contains__
    needed, *others = KINDS[kind]
    known = (needed, *others) if (folder / needed).is_file() else ()
    return lambda name: any(_matches(name, pattern) for pattern in known)


def _matches(name: str, pattern: str) -> bool:
    return name.count("/") == pattern.count("/") and fnmatch.fnmatchcase(name, pattern)


def _manifest(folder: Path) -> Mapping[str, Any] | None:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {"kind": str(manifest["kind"]), "files": [str(name) for name in manifest["files"]]}
    except (OSError, ValueError, KeyError, TypeError):
        return None

"""Writing so that nothing is ever half-written, and naming things by what they were made from."""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def _mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """Yield a path to write; on success it becomes `path` at once, on failure `path` is left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.parent / f".{path.name}.{os.getpid()}.part"
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; on success it becomes `path`, on failure `path` is left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    try:
        beside.chmod(0o777 & ~_mode())
        yield beside
        _become(beside, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def move_folder(folder: Path, path: Path) -> None:
    """Let a finished folder become `path`, in one step where both lie on one disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _become(folder, path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with replacing_folder(path) as beside:
            shutil.copytree(folder, beside, dirs_exist_ok=True)
        shutil.rmtree(folder)


def _become(folder: Path, path: Path) -> None:
    if not path.exists():
        folder.replace(path)
        return
    old = path.parent / f".{path.name}.{os.getpid()}.old"
    path.replace(old)
    try:
        folder.replace(path)
    except OSError:
        old.replace(path)
        raise
    shutil.rmtree(old)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time makes what is kept at `path`."""
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        yield


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text in one step."""
    with replacing_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON in one step, one key a line, the same bytes for the same value."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def fingerprint(*parts: Any) -> str:
    """Hash what something is made from: JSON values, and (as `Path`) contents of files and folders.

    Returns 16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            _hash_path(digest, part)
        else:
            digest.update(json.dumps(part, sort_keys=True, default=str).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def _hash_path(digest: Any, path: Path) -> None:
    if path.is_dir():
        for child in sorted(p for p in path.rglob("*") if p.is_file()):
            digest.update(child.relative_to(path).as_posix().encode() + b"\0")
            _hash_path(digest, child)
        return
    with path.open("rb") as file:
        digest.update(hashlib.file_digest(file, "sha256").digest())

"""Writing so that nothing is ever half-written, and naming things by what they were made from."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ostinato import scratch


@contextmanager
def atomic_file(path: Path, within: Path | None = None) -> Iterator[Path]:
    """Yield a path to write; on success it becomes `path` at once, on failure `path` is left.

    `within` is a folder above `path` in which nothing else may appear, not even for a while, and
    which is not made anew where another process has moved it away.
    """
    if within is None:
        path.parent.mkdir(parents=True, exist_ok=True)
    if scratch.NAME in path.parts:  # it becomes visible only with the folder that it is in
        yield path
        return
    with scratch.temporary(path, within) as beside:
        part = beside / path.name
        yield part
        scratch.put(part, path)


def write_text(path: Path, text: str, within: Path | None = None) -> None:
    """Write UTF-8 text in one step."""
    with atomic_file(path, within) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any, within: Path | None = None) -> None:
    """Write JSON in one step, one key a line, the same bytes for the same value."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, f"{text}\n", within)


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

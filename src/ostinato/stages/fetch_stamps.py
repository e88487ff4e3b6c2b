"""Stamps of what fetch wrote last, so that the same is not made a second time to be compared.

A stamp lies in the cache, never in data/, which is pinned: the sizes and times of the files.
"""

import json
import os
from dataclasses import asdict, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ostinato.corpora.corpus import Corpus
from ostinato.files import fingerprint, write_json
from ostinato.folders import entries
from ostinato.sources import source_fingerprint

LIBRARIES = ("music21", "muspy", "symusic")  # what turns scores into files


def find_stamp(folder: Path, corpus: Corpus, target: Path, mirror: str | None) -> Path | None:
    """Return where the stamp of this corpus in `target` lies below `folder`.

    It is named by all that the files follow from. None for a source that may hold other music
    tomorrow, as a folder of the user's does.
    """
    source = corpus.source
    if source is None or not source.fixed:
        return None
    kind = f"{type(source).__module__}.{type(source).__qualname__}"
    settings: dict[str, Any] = asdict(source) if is_dataclass(source) else {}
    code = source_fingerprint(type(source).__module__, "ostinato.corpora.sources")
    made = [version(library) for library in LIBRARIES]
    name = fingerprint(kind, settings, str(target.resolve()), mirror, code, made)
    return folder / f"{name}.json"


def count_files(stamp: Path, target: Path) -> int | None:
    """Return how many files there are, where all are those of the stamp; otherwise None."""
    try:
        written = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return len(written) if target.is_dir() and written == _look(target) else None


def write_stamp(stamp: Path, target: Path) -> None:
    """Write the stamp of what is in `target` now."""
    write_json(stamp, _look(target))


def _look(target: Path) -> dict[str, list[int]]:
    """Size in bytes and time of change in nanoseconds of each file and link, by its name."""
    seen = ((name, (target / name).lstat()) for name in sorted(entries(target)))
    # a name that is no UTF-8 is written as its bytes
    named = ((os.fsencode(name).hex(), state) for name, state in seen)
    return {name: [state.st_size, state.st_mtime_ns] for name, state in named}

"""Origins of a run: commit, code, data, versions and machine, and the hashes it came to."""

import importlib.metadata
import json
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ostinato.config import Config
from ostinato.errors import UserError
from ostinato.files import fingerprint, write_json
from ostinato.stages.commit import read_changed_files, read_commit
from ostinato.stages.result_hashes import hash_samples, hash_weights
from ostinato.stages.workspace import Workspace
from ostinato.sweeps.origins import code_of
from ostinato.untrusted import MIB, printable, read_regular

FILE = "provenance.json"  # in the folder of a run, and below config/ on its MLflow run
LARGEST = MIB  # bytes; a run with hundreds of changed files takes a tenth of it
MOST_NAMED = 4  # of one kind in a sentence
CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Provenance:
    """The origins of a run; "" and an empty mapping stand for what is not known.

    changed_files: the fingerprints of files that differ from the commit, by path; code: of the
    source files that run; pieces, split: of the data; versions: of Python and the libraries;
    weights: the SHA-256 of the weights; samples: the fingerprint of the samples.
    """

    commit: str = ""
    changed_files: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    pieces: str = ""
    split: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    weights: str = ""
    samples: str = ""

    @classmethod
    def read(cls, folder: Path) -> "Provenance | None":
        """Return the provenance in the folder of a run; None where none can be read."""
        try:
            return cls.of(json.loads(read_regular(folder / FILE, LARGEST)))
        except (OSError, ValueError, UserError):
            return None

    @classmethod
    def of(cls, tree: Any) -> "Provenance":
        """Return the provenance in a tree that somebody else may have written.

        What is of another type than it should be counts as not known.
        """
        tree = tree if isinstance(tree, Mapping) else {}
        return cls(**{one.name: _read(tree.get(one.name), one.type) for one in fields(cls)})

    def tree(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    def write(self, folder: Path) -> None:
        """Write it into a folder, in one step."""
        write_json(folder / FILE, self.tree(), within=folder)


def read_provenance(config: Config, workspace: Workspace) -> Provenance:
    """Return what a run of a config is made with, as far as that is known before its training.

    The pieces and their split count once they are there.
    """
    pieces, split = workspace.pieces, workspace.split
    return Provenance(
        commit=read_commit(workspace.root).hash,
        changed_files=read_changed_files(workspace.root),
        code=fingerprint(*code_of(config)),
        pieces=fingerprint(pieces) if pieces.is_dir() else "",
        split=fingerprint(split) if split.is_file() else "",
        versions=_versions(),
        machine=_machine(),
    )


def with_results(provenance: Provenance, model: Path, samples: Path) -> Provenance:
    """Return a provenance with the hashes of what is in these two folders."""
    return replace(provenance, weights=hash_weights(model), samples=hash_samples(samples))


def name_differences(before: Provenance, after: Provenance) -> list[str]:
    """Return in what a run is made otherwise than an earlier one, as far as both are known."""
    return [
        *_commits(before, after),
        *_changed_files(before, after),
        *_code(before, after),
        *name_data_differences(before, after),
        *_entries(before.versions, after.versions),
        *_entries(before.machine, after.machine),
    ]


def name_data_differences(before: Provenance, after: Provenance) -> list[str]:
    """Return which of the pieces and the split are others, as far as both are known."""
    found = []
    for name in ("pieces", "split"):
        old, new = getattr(before, name), getattr(after, name)
        if old and new and old != new:
            found.append(f"{name} with the hash {new} (there {old})")
    return found


def name_unknown(before: Provenance) -> list[str]:
    """Return what an earlier run has not recorded, of that which makes the bytes."""
    known = {
        "commit": before.commit,
        "data": before.pieces,
        "library versions": before.versions,
        "machine": before.machine,
    }
    return [name for name, value in known.items() if not value]


def _commits(before: Provenance, after: Provenance) -> Iterator[str]:
    if before.commit and before.commit != after.commit:
        here = after.commit[:12] or "none"
        yield f"commit {here} (there {before.commit[:12]})"


def _changed_files(before: Provenance, after: Provenance) -> Iterator[str]:
    """Yield the files that were changed since the commit on one side alone, or otherwise."""
    if not before.commit:
        return
    old, new = before.changed_files, after.changed_files
    names = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    if names:
        yield f"changed {'file' if len(names) == 1 else 'files'} {_join(names)}"


def _code(before: Provenance, after: Provenance) -> Iterator[str]:
    same_commit = before.commit == after.commit and before.changed_files == after.changed_files
    if same_commit and before.code and after.code and before.code != after.code:
        yield "source files that git does not list"


def _entries(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """Yield the entries that differ; none where one side is not known."""
    if not before or not after:
        return
    differing = [
        f"{name} {after.get(name, 'none')} (there {before.get(name, 'none')})"
        for name in {**after, **before}
        if before.get(name) != after.get(name)
    ]
    if differing:
        yield _join(differing)


def _join(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that ostinato requires."""
    found = {"python": platform.python_version()}
    for line in _requirements():
        name = re.match(r"[A-Za-z0-9._-]+", line)
        if name is None or "extra ==" in line:
            continue
        try:
            found[name[0]] = importlib.metadata.version(name[0])
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _requirements() -> Iterable[str]:
    try:
        return sorted(importlib.metadata.requires("ostinato") or ())
    except importlib.metadata.PackageNotFoundError:
        return ()


def _machine() -> dict[str, str]:
    """Return what of a machine changes the last bits of a sum; nothing that names its owner."""
    import torch

    found = {
        "system": platform.system(),
        "processor": _processor(),
        "threads": str(torch.get_num_threads()),
    }
    if torch.cuda.is_available():
        found["accelerator"] = torch.cuda.get_device_name(0)
    return found


def _processor() -> str:
    """Return the model of the processor, or its kind where the system does not say more."""
    text = CPU_INFO.read_text(encoding="utf-8", errors="replace") if CPU_INFO.is_file() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return f"{platform.machine()} {found[1].strip()}" if found else platform.machine()


def _read(value: Any, kind: Any) -> Any:
    if kind is str:
        return printable(value) if isinstance(value, str) else ""
    pairs = value.items() if isinstance(value, Mapping) else ()
    texts = {key: text for key, text in pairs if isinstance(key, str) and isinstance(text, str)}
    return {printable(key): printable(text) for key, text in texts.items()}

"""fetch: bring a corpus into data/."""

import filecmp
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ostinato.config import Config
from ostinato.console import say
from ostinato.corpora.corpus import MIRROR, Corpus
from ostinato.corpora.sources.download import kept_in
from ostinato.errors import UserError
from ostinato.files import fingerprint, replacing_folder
from ostinato.stages.workspace import Workspace

READS = ("corpus", "preprocess")


def run(config: Config, workspace: Workspace) -> None:
    """Fetch the corpus of a config."""
    fetch(config.build("corpus"), workspace.root, config.build("preprocess").count)


def fetch(corpus: Corpus, root: Path, processes: int = 1) -> None:
    """Fill `root / corpus.path` from the corpus's source, the same bytes every time.

    A folder that is there already is replaced only when every file in it has a name that fetch
    writes. Raises `UserError` otherwise, and when there is nothing to fetch.
    """
    target = root / corpus.path
    if corpus.source is None:
        raise UserError(
            f"The corpus {corpus.name} has no source to fetch from: put your music into "
            f"{corpus.path}."
        )
    if target.exists() and not target.is_dir():
        raise UserError(f"{corpus.path} is a file: fetch needs a folder there.")
    if terms := corpus.source.terms():
        say(terms.text())
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch.", dir=target.parent) as beside:
        fetched = Path(beside)
        mirror = corpus.mirror or os.environ.get(MIRROR) or None
        corpus.source.write(fetched, processes, mirror)
        with _alone(target):
            _put(fetched, target, corpus.path)


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Two fetches of one corpus replace its folder one after the other."""
    from filelock import FileLock

    kept_in().mkdir(parents=True, exist_ok=True)
    with FileLock(kept_in() / f"{fingerprint(str(target.resolve()))}.lock"):
        yield


def _put(fetched: Path, target: Path, path: str) -> None:
    """Replace `target`, called `path` for the user, by what was fetched, if that is another."""
    new, old = _files(fetched), _files(target)
    if new == old and all(_same(fetched / name, target / name) for name in new):
        say(f"{path} is there already: {len(new)} files, the same bytes")
        return
    own = sorted(old - new)
    if own:
        raise UserError(
            f"{path} holds files that fetch does not write ({_printed(', '.join(own[:3]))}"
            f"{', …' if len(own) > 3 else ''}): move them away, or give another corpus.path."
        )
    with replacing_folder(target) as part:
        for child in fetched.iterdir():  # moved, not copied: a large corpus is on the disk once
            child.replace(part / child.name)
    say(f"{path}: {len(new)} files")


def _files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}


def _printed(name: str) -> str:
    """A name that is no UTF-8 cannot be printed as it is."""
    return name.encode("utf-8", "replace").decode()


def _same(one: Path, other: Path) -> bool:
    return filecmp.cmp(one, other, shallow=False)

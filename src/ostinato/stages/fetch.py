"""fetch: bring a corpus into data/."""

import filecmp
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from ostinato import scratch
from ostinato.config import Config
from ostinato.config.secrets import holds_password
from ostinato.console import say, where
from ostinato.corpora.corpus import MIRROR, Corpus
from ostinato.corpora.sources.download import kept_in
from ostinato.corpora.sources.published_splits import TABLE
from ostinato.errors import ConfigError, UserError
from ostinato.files import fingerprint
from ostinato.folders import SHOWN, entries, foreign, listed, swap_folder, unfit_place
from ostinato.locks import locked
from ostinato.music.reading import SUFFIXES
from ostinato.stages.fetch_stamps import count_files, find_stamp, write_stamp
from ostinato.stages.workspace import Workspace
from ostinato.wording import quantity

READS = ("corpus", "preprocess")


def run(config: Config, workspace: Workspace) -> None:
    """Fetch the corpus of a config."""
    stamps = workspace.cache / "fetched"
    fetch(config.build("corpus"), workspace.root, config.build("preprocess").count, stamps)


def fetch(corpus: Corpus, root: Path, processes: int = 1, stamps: Path | None = None) -> None:
    """Fill `root / corpus.path` from the corpus's source, the same bytes every time.

    A folder that is there already is replaced only when every file in it has a name that fetch
    writes, and not made again where it is as a stamp in the folder `stamps` says. Raises
    `UserError` otherwise, and when there is nothing to fetch.
    """
    target = root / corpus.path
    if corpus.source is None:
        raise UserError(
            f"The corpus {corpus.name} has no source to fetch from: put your music into "
            f"{where(target)}."
        )
    _check_target(target, corpus)
    if terms := corpus.source.terms():
        say(terms.text())
    mirror = corpus.mirror or _mirror_of_environment()
    stamp = find_stamp(stamps, corpus, target, mirror) if stamps else None
    if stamp and (count := count_files(stamp, target)):
        say(f"{where(target)} is there already: {quantity(count, 'file')}, as they were fetched")
        return
    # data.dvc pins the first folder of the path: nothing else may appear in it
    pinned = root / Path(corpus.path).parts[0]
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch.clear(scratch.place_of(target, pinned))
    with scratch.temporary(target, pinned) as beside:
        fetched = beside / scratch.NEW
        fetched.mkdir()
        corpus.source.write(fetched, processes, mirror)
        with locked(kept_in() / fingerprint(str(target.resolve())), f"fetching {corpus.path}"):
            _put(fetched, target, pinned, corpus)
            if stamp:
                write_stamp(stamp, target)


def _mirror_of_environment() -> str | None:
    mirror = os.environ.get(MIRROR) or None
    if mirror and holds_password(mirror, MIRROR):
        raise ConfigError(
            f"{MIRROR} holds a name or a password, which messages would show: leave it out of the "
            "address, and put it into ~/.netrc, where downloads look for it."
        )
    return mirror


def _check_target(target: Path, corpus: Corpus) -> None:
    """Refuse a folder that cannot be one that fetch wrote, before anything is downloaded."""
    if reason := unfit_place(target):
        raise ConfigError(
            f"corpus.path={corpus.path} cannot be fetched into, as {reason}: give a folder of its "
            "own, as data/bach."
        )
    if target.exists():
        _refuse_foreign(target, lambda name: name.lower().endswith((*SUFFIXES, TABLE)))


def _put(fetched: Path, target: Path, pinned: Path, corpus: Corpus) -> None:
    """Replace `target` by what was fetched, if that is another."""
    new = set(entries(fetched))
    if target.exists():
        if new == set(entries(target)) and all(_same(fetched / n, target / n) for n in new):
            say(f"{where(target)} is there already: {quantity(len(new), 'file')}, the same bytes")
            return
        _check_target(target, corpus)
        _refuse_foreign(target, new.__contains__)
    swap_folder(fetched, target, pinned)
    say(f"{where(target)}: {quantity(len(new), 'file')}")


def _refuse_foreign(target: Path, is_ours: Callable[[str], bool]) -> None:
    if own := list(islice(foreign(target, is_ours), SHOWN + 1)):
        raise UserError(
            f"{where(target)} holds files that fetch does not write ({listed(own)}): move them "
            "away, or give another corpus.path."
        )


def _same(one: Path, other: Path) -> bool:
    return filecmp.cmp(one, other, shallow=False)

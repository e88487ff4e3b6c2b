"""fetch: bring a corpus into data/."""

import filecmp
import shutil
import tempfile
from pathlib import Path

from ostinato.config import Config
from ostinato.console import say
from ostinato.corpora.corpus import Corpus
from ostinato.errors import UserError
from ostinato.files import replacing_folder
from ostinato.stages.workspace import Workspace

READS = ("corpus", "preprocess")


def run(config: Config, workspace: Workspace) -> None:
    """Fetch the corpus of a config."""
    fetch(config.build("corpus"), workspace.root, config.build("preprocess").count)


def fetch(corpus: Corpus, root: Path, processes: int) -> None:
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
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch.", dir=target.parent) as beside:
        fetched = Path(beside)
        corpus.source.write(fetched, processes)
        new, old = _files(fetched), _files(target)
        if new == old and all(_same(fetched / name, target / name) for name in new):
            say(f"{corpus.path} is there already: {len(new)} files, the same bytes")
            return
        own = sorted(old - new)
        if own:
            raise UserError(
                f"{corpus.path} holds files that fetch does not write ({', '.join(own[:3])}"
                f"{', …' if len(own) > 3 else ''}): move them away, or give another corpus.path."
            )
        with replacing_folder(target) as part:
            shutil.copytree(fetched, part, dirs_exist_ok=True)
    say(f"{corpus.path}: {len(new)} files")


def _files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}


def _same(one: Path, other: Path) -> bool:
    return filecmp.cmp(one, other, shallow=False)

"""preprocess: music files -> pieces in Parquet, and the rejects with their reasons."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ostinato.config import Config
from ostinato.console import say, where
from ostinato.corpora import store
from ostinato.corpora.corpus import Corpus
from ostinato.corpora.ingest import ingest
from ostinato.errors import UserError
from ostinato.files import fingerprint
from ostinato.folders import check_replaceable, move_folder
from ostinato.locks import locked
from ostinato.music.reading import music_files
from ostinato.parallel import Workers
from ostinato.sources import source_fingerprint
from ostinato.stages.workspace import Workspace
from ostinato.wording import agree, quantity

READS = ("corpus", "preprocess")


def run(config: Config, workspace: Workspace) -> None:
    """Preprocess the corpus of a config."""
    corpus, workers = config.build("corpus"), config.build("preprocess")
    preprocess(corpus, workspace.root, workspace.pieces, workspace.cache / "reading", workers)


def preprocess(
    corpus: Corpus, root: Path, pieces: Path, unfinished: Path, workers: Workers | None = None
) -> None:
    """Read the music below `root / corpus.path` into the folder `pieces`.

    A file that cannot be read, or that the corpus does not want, becomes a row of rejects.csv.
    What was read is kept below `unfinished` until all is: a reading that was stopped goes on, if
    neither files nor settings have changed. Raises `UserError` when the folder is missing or
    nothing is left.
    """
    folder = root / corpus.path
    if not folder.is_dir():
        raise UserError(_missing(corpus, folder))
    check_replaceable(pieces, "pieces")
    files = music_files(folder)
    parts = unfinished / _named_by(folder, files, corpus)
    with locked(parts, f"reading {corpus.path}"):
        parts.mkdir(exist_ok=True)
        count = ingest(folder, files, corpus, parts, workers or Workers.of_this_machine())
        read, rejected = store.finish(parts, count, corpus.duplicates == "drop")
        if not read:
            first = store.read_rejects(parts)[0]
            raise UserError(
                f"Nothing of {where(folder)} is left: {quantity(rejected, 'file')} "
                f"{agree(rejected, 'was', 'were')} rejected, {first.file} because {first.reason}."
            )
        guessed = {remark.file for remark in store.read_remarks(parts)}
        move_folder(parts, pieces, "pieces")
    more = f" (reasons in {where(pieces / store.REJECTS)})" if rejected else ""
    say(f"{quantity(read, 'piece')} read, {rejected} rejected{more}")
    if guessed:
        say(f"in {len(guessed)} of them something was guessed: see {where(pieces / store.REMARKS)}")


def _named_by(folder: Path, files: Sequence[Path], corpus: Corpus) -> str:
    """A name for what reading these files gives, without reading them."""
    seen = [(str(file), (about := file.stat()).st_size, about.st_mtime_ns) for file in files]
    settings = {key: value for key, value in asdict(corpus).items() if key != "source"}
    return fingerprint(str(folder), seen, settings, source_fingerprint("ostinato.corpora.ingest"))


def _missing(corpus: Corpus, folder: Path) -> str:
    if corpus.source is None or getattr(corpus.source, "folder", corpus.name) is None:
        return f"{where(folder)} is not there: make that folder and put your music into it."
    return f"{where(folder)} is not there: run `ostinato fetch` or `dvc pull`."

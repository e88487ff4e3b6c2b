"""preprocess: music files -> pieces in Parquet, and the rejects with their reasons."""

from pathlib import Path

from ostinato.config import Config
from ostinato.console import say
from ostinato.corpora import store
from ostinato.corpora.corpus import Corpus
from ostinato.corpora.ingest import ingest
from ostinato.errors import UserError
from ostinato.files import replacing_folder
from ostinato.stages.workspace import Workspace

READS = ("corpus",)


def run(config: Config, workspace: Workspace) -> None:
    """Preprocess the corpus of a config."""
    preprocess(config.build("corpus"), workspace.root, workspace.pieces)


def preprocess(corpus: Corpus, root: Path, pieces: Path) -> None:
    """Read the music below `root / corpus.path` into the folder `pieces`.

    A file that cannot be read, or that the corpus does not want, becomes a row of rejects.csv.
    Raises `UserError` when the folder is missing or nothing is left.
    """
    from joblib import cpu_count

    folder = root / corpus.path
    if not folder.is_dir():
        raise UserError(_missing(corpus))
    processes = corpus.processes or int(cpu_count())
    with replacing_folder(pieces) as part:
        read, rejected = store.write(ingest(folder, corpus, processes), part)
        if not read:
            first = store.read_rejects(part)[0]
            raise UserError(
                f"Nothing of {corpus.path} is left: all {rejected} were rejected; "
                f"{first.file}, for one, because {first.reason}."
            )
    more = f" (reasons in {pieces.name}/{store.REJECTS})" if rejected else ""
    say(f"{read} pieces read, {rejected} rejected{more}")


def _missing(corpus: Corpus) -> str:
    if corpus.source is None or getattr(corpus.source, "folder", corpus.name) is None:
        return f"{corpus.path} is not there: make that folder and put your music into it."
    return f"{corpus.path} is not there: run `ostinato fetch` or `dvc pull`."

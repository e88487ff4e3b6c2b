"""inspect: what a thing holds, as tables on the terminal and as a picture."""

import errno
import tempfile
from collections.abc import Callable
from pathlib import Path

from ostinato import console
from ostinato.errors import ConfigError, UnreadableError, UserError
from ostinato.files import atomic_file
from ostinato.inspection.tables import View
from ostinato.music.picture import is_ours
from ostinato.stages.workspace import Workspace

PARQUET, TOKENS, WEIGHTS = "index.parquet", "steps.bin", "weights.safetensors"


def inspect(path: Path, picture: Path | None, workspace: Workspace) -> None:
    """Print what `path` holds and draw it to `picture`, or else into outputs/inspected.

    Raises `UserError` where there is nothing at `path` that can be inspected.
    """
    if picture is None:
        name = path.resolve().name if path.is_dir() else path.stem
        picture = workspace.inspected / f"{name}.png"
    if picture.suffix.lower() != ".png":
        raise UserError(f"--picture {picture} does not fit: a PNG is drawn, so it ends in .png.")
    _check_replaceable(picture, workspace)
    view = _viewer(path)(path)
    for table in view.parts:
        console.out.print(table, soft_wrap=False)
    with atomic_file(picture) as part:
        part.write_bytes(view.picture())
    console.say(f"the picture is {console.where(picture)}")


def _check_replaceable(picture: Path, workspace: Workspace) -> None:
    """Refuse to replace anything but a picture that was drawn here."""
    if not picture.exists() or picture.is_relative_to(workspace.inspected):
        return
    if not picture.is_file() or not is_ours(picture):
        raise UserError(
            f"--picture {console.where(picture)} is there and was not drawn by ostinato: give "
            "another name."
        )


def _viewer(path: Path) -> Callable[[Path], View]:
    """Return what makes tables and a picture of the kind of thing that `path` is."""
    if not path.exists():
        raise UserError(f"{console.where(path)} is not there: give a file or a folder to inspect.")
    if path.is_dir():
        return _folder_viewer(path)
    if path.name == PARQUET:
        return lambda path: _of_store(path.parent)
    return _of_file


def _folder_viewer(folder: Path) -> Callable[[Path], View]:
    kinds = {WEIGHTS: _of_model, TOKENS: _of_tokens, PARQUET: _of_store}
    for name, viewer in kinds.items():
        if (folder / name).is_file():
            return viewer
    below = [path.parent for path in folder.rglob("*") if path.name in kinds]
    if below:  # its music, if any, is mixed: a corpus and what was made from it
        nearest = sorted(below, key=lambda path: (len(path.parts), path))
        known = ", ".join(console.where(path) for path in nearest[:3])
        more = f" or {len(below) - 3} more" if len(below) > 3 else ""
        raise UserError(
            f"{console.where(folder)} holds several things: inspect one of them, as {known}{more}."
        )
    return _of_folder


def _of_folder(folder: Path) -> View:
    from ostinato.corpora import store
    from ostinato.corpora.corpus import keep_everything
    from ostinato.corpora.ingest import ingest
    from ostinato.music.reading import music_files
    from ostinato.parallel import Workers

    name = folder.resolve().name or "music"
    corpus = keep_everything(name, "music", resolution=480)
    with tempfile.TemporaryDirectory() as made:
        parts = ingest(folder, music_files(folder), corpus, Path(made), Workers.of_this_machine())
        store.finish(Path(made), parts, drop_duplicates=False)
        return _of_store(Path(made), name)


def _of_store(folder: Path, name: str = "") -> View:
    from pyarrow import ArrowException

    from ostinato.corpora.store import REJECTS, PieceStore, read_rejects
    from ostinato.inspection.corpus import inspect_corpus
    from ostinato.inspection.statistics import CorpusStatistics

    pieces, statistics = PieceStore(folder), CorpusStatistics()
    try:
        for piece in console.track(pieces, "reading", len(pieces)):
            statistics.add(piece)
        rejects = read_rejects(folder) if (folder / REJECTS).is_file() else []
    except (ArrowException, KeyError, UnicodeDecodeError) as error:
        raise _damaged(folder / PARQUET, "preprocess") from error
    return inspect_corpus(name or folder.resolve().name, statistics, rejects)


def _of_file(path: Path) -> View:
    from ostinato.inspection.corpus import inspect_corpus
    from ostinato.inspection.piece import inspect_piece
    from ostinato.inspection.statistics import CorpusStatistics
    from ostinato.music.reading import read

    try:
        pieces = list(read(path))
    except UnreadableError as error:
        raise UserError(f"{path} cannot be read: {error}.") from error
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            raise
        raise UserError(f"{path} cannot be opened: {error.strerror}.") from error
    if len(pieces) == 1:
        return inspect_piece(pieces[0])
    statistics = CorpusStatistics()
    for one in pieces:
        statistics.add(one)
    return inspect_corpus(path.name, statistics, [])


def _of_tokens(folder: Path) -> View:
    from ostinato.data.store import TokenStore
    from ostinato.inspection.tokens import inspect_tokens

    try:
        return inspect_tokens(folder, TokenStore.open(folder))
    except (ConfigError, ValueError, KeyError, IndexError, FileNotFoundError) as error:
        raise _damaged(folder, "train") from error


def _of_model(folder: Path) -> View:
    from csv import Error

    from ostinato.inspection.model import inspect_model

    try:
        return inspect_model(folder)
    except (
        ConfigError,
        Error,
        RecursionError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        FileNotFoundError,
    ) as error:
        raise _damaged(folder, "train") from error


def _damaged(path: Path, stage: str) -> UserError:
    return UserError(f"{path} is damaged: remove it and run `ostinato {stage}` again.")

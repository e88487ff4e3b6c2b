"""Reading a folder of music as preprocessing does."""

import tempfile
from pathlib import Path

from defaults import build
from ostinato.corpora import store
from ostinato.corpora.corpus import Corpus
from ostinato.corpora.ingest import ingest
from ostinato.corpora.store import PieceStore, Reject
from ostinato.music.piece import Piece
from ostinato.music.reading import music_files
from ostinato.parallel import Workers


def read(
    folder: Path, corpus: Corpus, workers: Workers | None = None
) -> tuple[dict[str, Piece], list[Reject]]:
    """The pieces of a folder by name, and the rejects."""
    with tempfile.TemporaryDirectory() as made:
        parts = ingest(
            folder,
            music_files(folder),
            corpus,
            Path(made),
            workers or build("preprocess=loky", processes=1),
        )
        store.finish(Path(made), parts, corpus.duplicates == "drop")
        pieces = {piece.name: piece for piece in PieceStore(Path(made))}
        return pieces, store.read_rejects(Path(made))

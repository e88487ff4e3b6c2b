"""Preprocessed pieces that runs on the same corpus share."""

from pathlib import Path

from ostinato.config import Config
from ostinato.corpora.store import INDEX
from ostinato.files import fingerprint
from ostinato.locks import locked
from ostinato.sources import source_fingerprint
from ostinato.stages import preprocess
from ostinato.stages.workspace import Workspace


def locate_pieces(config: Config, workspace: Workspace) -> Path:
    """Return where the pieces of this corpus, read with these filters, are kept."""
    data = workspace.root / config["corpus"]["path"]
    source = source_fingerprint("ostinato.stages.preprocess")
    name = fingerprint(config["corpus"], data if data.is_dir() else "nothing", source)
    return workspace.cache / "pieces" / name


def read_pieces(config: Config, workspace: Workspace) -> Path:
    """Return the folder of these pieces, after reading them where that was not done yet."""
    shared = locate_pieces(config, workspace)
    with locked(shared):
        if not (shared / INDEX).exists():
            preprocess.run(config, Workspace(workspace.root, workspace.outputs, shared))
    return shared

"""Pieces of the test split as a system of a listening test."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING

from ostinato import console
from ostinato.config import Config
from ostinato.errors import UserError
from ostinato.stages.encoding import read_split, require
from ostinato.stages.piece_cache import locate_pieces
from ostinato.stages.workspace import Workspace

if TYPE_CHECKING:
    from ostinato.corpora.store import PieceStore
    from ostinato.listening.systems import Music, System
    from ostinato.music.piece import Piece

NAME = "real music"
TEST = "test"


def real_system(
    systems: Sequence["System"], folders: Sequence[Path], config: Config, workspace: Workspace
) -> "System":
    """Return pieces of the test split as a system: a prompt goes on as it really does.

    Beside music that begins from nothing they are beginnings of other pieces, as long as that
    music is. Raises `UserError` where there is no split, and where no piece begins as the prompts.
    """
    from ostinato.corpora.store import PieceStore
    from ostinato.listening.systems import System

    workspace = _with_split(folders, config, workspace)
    store = PieceStore(require(workspace.pieces, "preprocess"))
    names = read_split(workspace)[TEST]
    music: list[Music] = []
    for bars in sorted({system.prompt_bars for system in systems}):
        alike = [system for system in systems if system.prompt_bars == bars]
        music += _choose(alike, bars, _read(store, names, alike, shuffled=not bars))
    if not music:
        raise UserError(
            f"no piece of the test split in {console.where(workspace.split)} begins as the prompts "
            "do: leave out --real."
        )
    return System(NAME, console.where(workspace.split), music)


def _choose(systems: Sequence["System"], bars: int, candidates: "Iterator[Piece]") -> "list[Music]":
    """Return as many pieces as the systems have at most, of those with the same beginnings."""
    from ostinato.listening.systems import hear_pieces

    conditions = {music.condition for system in systems for music in system.music}
    most = len(conditions) if bars else max(len(system.music) for system in systems)
    chosen: list[Music] = []
    for piece in candidates:
        chosen += [m for m in hear_pieces([piece], bars) if m.condition in conditions]
        if len(chosen) == most:
            break
    return chosen


def _read(
    store: "PieceStore", names: Sequence[str], systems: Sequence["System"], shuffled: bool
) -> "Iterator[Piece]":
    """Yield beginnings of pieces, as long as the music of the systems is, in whole bars."""
    quarters = median(music.piece.quarters for system in systems for music in system.music)
    for name in Random(0).sample(names, len(names)) if shuffled else names:
        piece = store.read(name)
        lines = piece.barlines()
        later = lines[lines >= quarters * piece.resolution]
        yield piece.cropped(0, int(later[0])) if len(later) else piece


def _with_split(folders: Sequence[Path], config: Config, workspace: Workspace) -> Workspace:
    """Return the workspace with the split that the first run was trained with, if it has one."""
    for run in (folder.parent for folder in folders):
        split = run / "split.json"
        if split.is_file() and (run / "config.yaml").is_file():
            own = Config.load(run / "config.yaml", config.plugins)
            pieces = locate_pieces(own, workspace)
            if pieces.exists():
                return replace(workspace, shared_pieces=pieces, shared_split=split)
    return workspace

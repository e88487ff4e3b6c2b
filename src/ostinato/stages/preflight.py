"""Checks before a training of what would stop generating after it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato.config import Config
from ostinato.config.cross_corpus import COMPOSED, NAMED
from ostinato.console import where
from ostinato.errors import ConfigError, UnencodableError, UserError
from ostinato.folders import check_replaceable
from ostinato.methods.base import TEST, Method
from ostinato.sampling.prompts import crop_bars, read_piece
from ostinato.stages.workspace import Workspace, samples_folder

if TYPE_CHECKING:
    from ostinato.sampling.settings import Sampling


def check_generation(config: Config, workspace: Workspace) -> None:
    """Raise `UserError` for a file that sampling cannot use, and a folder it cannot write to."""
    sampling: Sampling = config.build("sampling")
    samples = samples_folder(config, workspace)
    check_replaceable(samples, "samples", "samples_dir" if config["samples_dir"] else "")
    _check_writable(samples)
    _check_soundfont(sampling, workspace)
    names = ("start", "to") if len(sampling.conditions) > 1 else ("piece",)
    for name, path in zip(names, sampling.conditions, strict=False):
        if path != TEST:
            read_piece(str(workspace.root / path), name)
    if sampling.prompt not in (None, TEST):
        _check_prompt(config, sampling, workspace)


def check_corpora(config: Config, model: Config) -> None:
    """Raise `ConfigError` where `evaluation.corpora` asks for what a model does not give.

    model: the config with its method, the composed one or that of a bundle.
    """
    method: Method = model.build("method")
    if config.tree.get(COMPOSED) and not method.scores_pieces:
        named = ", ".join(config[COMPOSED])
        raise ConfigError(
            f"{NAMED}=[{named}] does not fit: model={model['choices']['model']} gives no "
            f"likelihood of a piece: choose one that does, as model=lstm, or set {NAMED}=[]."
        )


def check_music_of_corpora(config: Config, workspace: Workspace) -> None:
    """Raise `UserError` for a corpus of `evaluation.corpora` whose music is not there."""
    for name, parts in config.tree.get(COMPOSED, {}).items():
        folder = workspace.root / parts["corpus"]["path"]
        if not folder.is_dir() and name != config["choices"]["corpus"]:
            raise UserError(
                f"{where(folder)} is not there, and {NAMED} names {name}: run `ostinato fetch "
                f"corpus={name}`, or leave it out of {NAMED}."
            )


def _check_writable(folder: Path) -> None:
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise ConfigError(
            f"samples_dir={folder} cannot be written, as {nearest} is no folder that you may write "
            "to: give another samples_dir."
        )


def _check_soundfont(sampling: "Sampling", workspace: Workspace) -> None:
    from ostinato.music.sound import check_soundfont

    if sampling.soundfont is not None:
        check_soundfont(workspace.root / sampling.soundfont, sampling.sample_rate)


def _check_prompt(config: Config, sampling: "Sampling", workspace: Workspace) -> None:
    """Refuse a prompt that the representation cannot hold, where that is known before training."""
    piece = read_piece(str(workspace.root / str(sampling.prompt)), "prompt")
    method: Method = config.build("method")
    try:
        method.check_prompt(config, crop_bars(piece, sampling.prompt_bars))
    except UnencodableError as error:
        name = config["choices"]["representation"]
        raise UserError(
            f"{sampling.prompt} cannot be a prompt: as {name} the piece {error}."
        ) from error

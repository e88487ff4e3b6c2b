"""The model that generating and evaluating start from."""

from pathlib import Path

from ostinato.config import Config
from ostinato.stages.workspace import Workspace


def model_folder(config: Config, workspace: Workspace) -> Path:
    """Return the folder of the bundle: `model_dir`, or else that of the project's own model."""
    given = config["model_dir"]
    return workspace.root / Path(given).expanduser() if given else workspace.model


def samples_folder(config: Config, workspace: Workspace) -> Path:
    """Return the folder of the samples: `samples_dir`, or else the project's own."""
    given = config["samples_dir"]
    return workspace.root / Path(given).expanduser() if given else workspace.samples

"""The folder in which a training keeps its checkpoints, and which it has to itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from ostinato import console
from ostinato.folders import listed, remove_folder
from ostinato.locks import locked
from ostinato.run_notes import NOTE
from ostinato.stages.workspace import Workspace

FINISHED = "finished"  # how earlier versions marked a folder; now it is removed
OURS = ("*.ckpt", "config.yaml", "provenance.json", NOTE, "mlflow_run", FINISHED)


@contextmanager
def checkpoint_folder(name: str, workspace: Workspace) -> Iterator[Path]:
    """Yield the folder of the training called `name` while no other process trains in it.

    Another training of that name is waited for. The folder stays when the block fails: the
    training goes on from what is in it. It is removed when the block has ended.
    """
    folder = workspace.checkpoints / name
    if _is_helper():
        yield folder
        return
    with locked(folder, f"training into {console.where(workspace.outputs)}"):
        if (folder / FINISHED).exists():
            _remove(folder)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        _remove(folder)


def _is_helper() -> bool:
    """Return whether a training on several devices started this process, and holds the lock."""
    from pytorch_lightning.utilities import rank_zero_only

    return getattr(rank_zero_only, "rank", 0) != 0


def _remove(folder: Path) -> None:
    kept = remove_folder(folder, lambda name: any(fnmatchcase(name, own) for own in OURS))
    if kept:
        console.warn(f"{console.where(folder)} keeps what is not ostinato's: {listed(kept)}")

"""Checkpoints that are whole or not there, and which of them a training can go on from."""

import os
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from ostinato import console
from ostinato.files import atomic_file

LAST = "last.ckpt"


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints on the file system they belong to, and gives them their name when whole.

    Lightning writes them into $TMPDIR, and from another file system moves them by copying: a
    process that is killed meanwhile leaves a part of one under its final name.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Write a checkpoint in one step."""
        del storage_options
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(file, within=file.parent) as part:
            torch.save(checkpoint, part)


def resumable(folder: Path, first: bool = True) -> Path | None:
    """Return the checkpoint that a training in `folder` goes on from; None where it begins anew.

    Checkpoints that do not serve are removed, and the reason is printed. Of several processes,
    those that are not the `first` find what that one has left.
    """
    last = folder / LAST
    if not last.exists():
        return None
    if not first:
        return last
    if reason := _unfit(last):
        console.warn(
            f"{console.where(last)} cannot be gone on from, as {reason}: the training begins anew"
        )
        for checkpoint in folder.glob("*.ckpt"):
            checkpoint.unlink()
        return None
    console.say(f"resuming the interrupted training from {console.where(last)}")
    return last


def _unfit(last: Path) -> str:
    """Say why a checkpoint does not serve; empty where it does."""
    state = _read(last)
    if state is None:
        return "it cannot be read"
    weights = [value for value in state["state_dict"].values() if isinstance(value, torch.Tensor)]
    if not all(bool(torch.isfinite(weight).all()) for weight in weights):
        return "its weights are no numbers"
    for callback in state.get("callbacks", {}).values():
        if not isinstance(callback, dict) or "best_model_path" not in callback:
            continue
        if callback.get("dirpath") != os.path.realpath(last.parent):
            return f"it was written in {callback.get('dirpath')}"  # and Lightning forgets the best
        best = Path(callback["best_model_path"])
        if callback["best_model_path"] and best != last and _read(best) is None:
            return f"{best.name} beside it cannot be read"
    return ""


def _read(file: Path) -> dict[str, Any] | None:
    try:
        # mapped: what is looked at is small, whatever the weights are
        state = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except PermissionError:
        raise
    except Exception:  # a damaged file raises whatever its bytes happen to mean
        return None
    return state if isinstance(state, dict) else None

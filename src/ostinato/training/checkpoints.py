"""Checkpoints that are whole or not there, and which of them a training can go on from."""

import os
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from ostinato import console
from ostinato.files import atomic_file
from ostinato.training.within_epoch import WITHIN

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


def find_checkpoint(folder: Path) -> Path | None:
    """Return the checkpoint that a training in `folder` goes on from; None where it begins anew.

    It is the one with the most steps. Checkpoints that do not serve are removed, and the reason is
    printed.
    """
    found = [file for name in (LAST, WITHIN) if (file := folder / name).exists()]
    states = {file: state for file in found if (state := _read(file)) is not None}
    unfit = {
        file: reason
        for file in found
        if (reason := _unfit(file, states[file]) if file in states else "it cannot be read")
    }
    serving = [file for file in found if file not in unfit]
    then = "an older one serves" if serving else "the training begins anew"
    for file, reason in unfit.items():
        console.warn(f"{console.where(file)} cannot be gone on from, as {reason}: {then}")
    for file in unfit if serving else folder.glob("*.ckpt"):
        file.unlink()
    if not serving:
        return None
    newest = max(serving, key=lambda file: int(states[file]["global_step"]))
    console.say(f"resuming the interrupted training from {console.where(newest)}")
    return newest


def _unfit(last: Path, state: dict[str, Any]) -> str:
    """Say why a checkpoint does not serve; empty where it does."""
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

"""Errors as the command line says them: one sentence, and an exit code."""

import errno
import os
import shutil
from pathlib import Path

from ostinato import console, interrupts
from ostinato.errors import UserError

INTERRUPTED = 130
NOTHING = 64 * 1024  # bytes: less than this left on a disk is nothing


def explain_error(error: BaseException) -> tuple[str, int] | None:
    """Return the sentence and the exit code for an error; None for one that is a fault of ours."""
    if interrupts.is_interrupt(error):
        return "interrupted.", INTERRUPTED
    if isinstance(error, UserError):
        return str(error), error.exit_code
    sentence = _about_disk(error) or _about_store(error)
    return (sentence, 1) if sentence else None


def _about_disk(error: BaseException) -> str | None:
    """Return a sentence for what a disk refuses, or None for any other error."""
    full = "the disk is full{}: free some space and run the same command again."
    if not isinstance(error, OSError):
        # torch, safetensors and sqlite have errors of their own for a write that fails
        return full.format("") if _nothing_free() else None
    where = f" at {console.where(Path(os.fsdecode(error.filename)))}" if error.filename else ""
    return {
        errno.ENOSPC: full.format(where),
        errno.EDQUOT: f"the disk quota is used up{where}: free some space and run it again.",
        errno.EROFS: f"cannot write{where}: the file system is read-only.",
        errno.EACCES: f"no permission{where}: check who owns it.",
        errno.EPERM: f"no permission{where}: check who owns it.",
    }.get(error.errno or 0)


def _nothing_free() -> bool:
    from ostinato.stages.workspace import Workspace

    outputs = Workspace.here().outputs
    return outputs.exists() and shutil.disk_usage(outputs).free < NOTHING


def _about_store(error: BaseException) -> str | None:
    """Return a sentence for what MLflow reports, or None for any other error."""
    from ostinato.refusals import explain_refusal, is_store_error

    return explain_refusal(error) if is_store_error(error) else None

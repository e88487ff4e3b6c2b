"""Compiling a training step with torch.compile."""

import os
import shutil

from ostinato.errors import UserError

COMPILERS = ("c++", "g++", "clang++")


def check_compiler() -> None:
    """Raise `UserError` where there is no compiler for what torch.compile writes.

    It is the one that the environment variable CXX names, or one of `COMPILERS`.
    """
    named = os.environ.get("CXX")
    if not any(shutil.which(name) for name in ([named] if named else COMPILERS)):
        raise UserError(
            "training.compile=true needs a C++ compiler, and "
            f"{f'CXX={named} is none' if named else 'there is none'} on this machine: install "
            "g++, or say training.compile=false."
        )

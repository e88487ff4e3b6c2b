"""The commit of the code that runs."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Commit:
    """A commit of git: its hash, "" where there is none; changed: with changes beside it."""

    hash: str
    changed: bool


def read_commit(root: Path) -> Commit:
    """Return the commit that is checked out in a project, and whether files in git differ from it.

    Without git, or outside of a repository, the hash is empty.
    """

    def git(*arguments: str) -> str:
        try:
            done = subprocess.run(
                ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    changed = bool(git("status", "--porcelain", "--untracked-files=no"))
    return Commit(git("rev-parse", "HEAD"), changed)

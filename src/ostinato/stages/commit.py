"""The commit of the code that runs."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ostinato.files import fingerprint

MAKES_NO_RUN = re.compile(r"(?:outputs|docs|tests)/|dvc\.lock$|.*\.md$")


@dataclass(frozen=True)
class Commit:
    """A commit of git: its hash, "" where there is none; changed: with changes beside it."""

    hash: str
    changed: bool


def read_commit(root: Path) -> Commit:
    """Return the commit that is checked out in a project, and whether files in git differ from it.

    Without git, or outside of a repository, the hash is empty.
    """

    changed = bool(_git(root, "status", "--porcelain", "--untracked-files=no"))
    return Commit(_git(root, "rev-parse", "HEAD"), changed)


def read_changed_files(root: Path) -> dict[str, str]:
    """Return the fingerprints of the files of a project that differ from its commit, by path.

    Files in git alone, and none that makes no run: results, guides and tests. A file that is
    gone has the fingerprint "removed".
    """
    names = _git(root, "diff", "--name-only", "--relative", "-z", "HEAD", "--", ".").split("\0")
    return {
        name: fingerprint(root / name) if (root / name).is_file() else "removed"
        for name in sorted(filter(None, names))
        if not MAKES_NO_RUN.match(name)
    }


def _git(root: Path, *arguments: str) -> str:
    """Return what git prints; nothing without git, and where it refuses."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

"""Commands run in a project as a user would."""

import os
import subprocess
import sys
from pathlib import Path


def run(project: Path, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command of the virtual environment in a project."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # networks so small are slower on several threads than on one
    environment = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    if check and done.returncode:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def commit(project: Path, message: str) -> None:
    run(project, "git", "add", "-A")
    run(project, "git", "commit", "-q", "-m", message)


def stages_run(output: str) -> list[str]:
    """The stages that `dvc repro` says it runs, in order."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]

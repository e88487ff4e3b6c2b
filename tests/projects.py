"""Commands run in a project as a user would."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TINY_RUN = (  # a run of all stages in seconds, that a sweep repeats
    "debug=smoke",
    "model.size=tiny",
    "model.backbone.hidden_size=8",
    "model.backbone.layers=1",
    "training.max_pieces=4",
    "sampling.min_bars=0",
    "sampling.max_bars=2",
    "sampling.pieces=1",
)
TINY_EVENTS = (  # a model of events, which continues any piece
    "debug=smoke",
    "representation=event",
    "model.backbone.hidden_size=16",
    "training.epochs=1",
    "training.max_pieces=8",
    "preprocess.processes=1",
)


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


def make_repository(project: Path, *values: str) -> Path:
    """Make a folder a fresh clone of a small repository: smoke settings and values, data pinned."""
    shutil.copy(ROOT / "dvc.yaml", project)
    shutil.copy(ROOT / ".dvcignore", project)
    shutil.copytree(
        ROOT / "src", project / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    params = (project / "params.yaml").read_text()
    params = params.replace("debug: null", "debug: smoke")
    small = f"overrides: {json.dumps(values)}"
    (project / "params.yaml").write_text(params.replace("overrides: []", small))
    (project / ".gitignore").write_text(
        "/outputs/mlflow/\n/outputs/mlflow_runs.json\n/outputs/cache/\n/outputs/checkpoints/\n"
    )
    run(project, "git", "init", "-q")
    run(project, "git", "config", "user.name", "A Tester")
    run(project, "git", "config", "user.email", "tester@example.org")
    run(project, "dvc", "init", "-q")
    shutil.copy(ROOT / ".dvc" / "config", project / ".dvc")
    shutil.copytree(ROOT / ".dvc" / "plots", project / ".dvc" / "plots", dirs_exist_ok=True)
    run(project, "dvc", "add", "-q", "data")
    commit(project, "a corpus")
    return project


def stages_run(output: str) -> list[str]:
    """The stages that `dvc repro` says it runs, in order."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def refused(project: Path, *command: str, code: int = 1) -> str:
    """The sentence by which `ostinato` refuses a command."""
    done = run(project, "ostinato", *command, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    [sentence] = [line for line in done.stderr.splitlines() if line.startswith("ostinato: ")]
    return sentence


def start_training(project: Path, *words: str) -> subprocess.Popen[str]:
    """Start a training of four epochs and return once its second has ended."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    training = subprocess.Popen(
        [str(Path(sys.executable).parent / "ostinato"), "train", *words],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert training.stdout is not None
    assert any(line.startswith("epoch 2 of 4") for line in training.stdout)
    return training


def bytes_of(folder: Path) -> dict[str, bytes]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def check_a_killed_training_resumes(project: Path, *words: str) -> None:
    """Killed in the third of four epochs and started again, it ends as one that was not killed."""
    words = (*words, "training.epochs=4", "tracking=off")
    for stage in ("preprocess", "split", "train"):
        run(project, "ostinato", stage, *words)
    outputs = project / "outputs"
    whole, curves = bytes_of(outputs / "model"), (outputs / "curves.csv").read_text()
    training = start_training(project, *words)
    training.send_signal(signal.SIGKILL)
    training.wait()
    done = run(project, "ostinato", "train", *words)
    assert "resuming" in done.stdout
    assert "epoch 1 of 4" not in done.stdout
    assert bytes_of(outputs / "model") == whole
    assert (outputs / "curves.csv").read_text() == curves

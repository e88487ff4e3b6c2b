"""Projects under DVC and git."""

import shutil
from pathlib import Path

import pytest

from projects import commit, run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def dvc_project(project: Path) -> Path:
    """The project as a fresh clone of a small repository: smoke settings, data pinned."""
    shutil.copy(ROOT / "dvc.yaml", project)
    shutil.copy(ROOT / ".dvcignore", project)
    shutil.copytree(
        ROOT / "src", project / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    params = (project / "params.yaml").read_text()
    params = params.replace("debug: null", "debug: smoke")
    small = 'overrides: ["model.backbone.hidden_size=32"]'
    (project / "params.yaml").write_text(params.replace("overrides: []", small))
    (project / ".gitignore").write_text(
        "/outputs/mlflow/\n/outputs/cache/\n/outputs/checkpoints/\n"
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

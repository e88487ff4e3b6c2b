"""A studio with two small models, an lstm on voices and a vae, for all tests of this folder."""

import base64
import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from studios import Served, studio

from ostinato.cli import main
from ostinato.music.piece import Piece
from ostinato.music.writing import midi_bytes

TINY = ("debug=smoke", "training.epochs=1", "training.max_pieces=8", "preprocess.processes=1")
SMALL = ("model.size=tiny", "model.backbone.hidden_size=16")


@pytest.fixture(scope="session")
def trained(project_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with an lstm in outputs/model and a vae in models/vae; both are trained once."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with FileLock(shared / "trained.lock"):
        if not (project := shared / "trained").exists():
            train_both(Path(shutil.copytree(project_template, shared / "training")))
            (shared / "training").rename(project)
    return Path(shutil.copytree(project, tmp_path_factory.mktemp("studio") / "project"))


def train_both(project: Path) -> None:
    with contextlib.chdir(project):
        for stage in ("preprocess", "split"):
            assert main([stage, *TINY]) == 0
        words = ("experiment=bach_vae", "model.size=tiny", "tracking=off")
        assert main(["train", *words, *TINY]) == 0
        shutil.move("outputs/model", "models/vae")
        assert main(["train", *TINY, *SMALL]) == 0


@pytest.fixture(scope="session")
def served(trained: Path) -> Iterator[Served]:
    """The studio of that project: m1 is the lstm, m2 the vae."""
    with studio(trained, "outputs/model", "models/vae") as running:
        running.get("/v1/models")
        yield running


@pytest.fixture(scope="session")
def chorale(short_chorales: list[Piece]) -> dict[str, str]:
    """A chorale of four voices, as music of a request."""
    return {"midi": base64.b64encode(midi_bytes(short_chorales[0])).decode()}

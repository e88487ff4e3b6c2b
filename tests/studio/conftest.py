"""A studio with two small models, an lstm on voices and a vae, for all tests of this folder."""

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from studios import Served, studio

from ostinato.music.piece import Piece
from ostinato.music.writing import midi_bytes
from projects import run

TINY = ("debug=smoke", "training.epochs=1", "training.max_pieces=8", "preprocess.processes=1")
SMALL = ("model.size=tiny", "model.backbone.hidden_size=16")


@pytest.fixture(scope="session")
def trained(project_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with an lstm in outputs/model and a vae in a folder of outputs/runs."""
    project = tmp_path_factory.mktemp("trained") / "project"
    shutil.copytree(project_template, project)
    for stage in ("preprocess", "split", "train"):
        run(project, "ostinato", stage, *TINY, *SMALL)
    run(project, "ostinato", "run", "experiment=bach_vae", *TINY)
    return project


@pytest.fixture(scope="session")
def served(trained: Path) -> Iterator[Served]:
    """The studio of that project: m1 is the lstm, m2 the vae."""
    [vae] = trained.glob("outputs/runs/*/*")
    with studio(trained, "outputs/model", str(vae.relative_to(trained))) as running:
        running.get("/v1/models")
        yield running


@pytest.fixture(scope="session")
def chorale(short_chorales: list[Piece]) -> dict[str, str]:
    """A chorale of four voices, as music of a request."""
    return {"midi": base64.b64encode(midi_bytes(short_chorales[0])).decode()}

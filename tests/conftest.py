"""Music, and a project to work in, that the tests share."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from ostinato.corpora.sources.packaged import BachChorales, Job
from ostinato.evaluation import registry
from ostinato.music.conversion import from_muspy
from ostinato.music.piece import Piece
from ostinato.music.writing import write_midi
from projects import make_repository

ROOT = Path(__file__).parents[1]
# `make test` draws the same examples each time; `make test-all` draws new ones
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("exploring")
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
FEW = 24
REAL = Path(os.environ.get("OSTINATO_CORPORA") or ROOT.parent / "shared" / "corpora")


class ShortChorales(BachChorales):
    """The smallest scores of the corpus."""

    def jobs(self) -> list[Job]:
        by_size = sorted(super().jobs(), key=lambda job: (job[0].stat().st_size, job[1]))
        return by_size[: 2 * FEW]


@pytest.fixture(scope="session")
def published() -> Callable[[str], Path]:
    """A file of a published corpus by its name; the test is skipped where it is not at hand."""

    def at_hand(name: str) -> Path:
        if not (REAL / name).exists():
            pytest.skip(f"{REAL / name} is not there: OSTINATO_CORPORA may say where it is")
        return REAL / name

    return at_hand


@pytest.fixture(scope="session")
def chorales() -> list[Piece]:
    """The 408 Bach chorales that music21 carries, as MusPy reads them (about 5 s)."""
    import music21
    import muspy

    folder = Path(music21.__file__).parent / "corpus" / "bach"
    paths = sorted(folder.glob("*.mxl"))
    pieces = [from_muspy(muspy.read_musicxml(str(path)), path.stem) for path in paths]
    assert len(pieces) == 408
    return pieces


@pytest.fixture(scope="session")
def short_chorales() -> list[Piece]:
    """Two dozen short chorales in four voices, as `ostinato fetch` writes them."""
    pieces = [
        piece
        for piece in ShortChorales().pieces()
        if len(piece.track_names) == 4 and 16 <= piece.quarters <= 64
    ]
    assert len(pieces) >= FEW
    return pieces[:FEW]


@pytest.fixture
def restored_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics that a test registers are gone after it."""
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))


@pytest.fixture(scope="session")
def project_template(short_chorales: list[Piece], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """conf/, params.yaml, and short chorales as MIDI in data/bach: never write here."""
    folder = tmp_path_factory.mktemp("template") / "project"
    shutil.copytree(ROOT / "conf", folder / "conf")
    shutil.copy(ROOT / "params.yaml", folder)
    for piece in short_chorales:
        write_midi(piece, folder / "data" / "bach" / f"{piece.name}.mid")
    return folder


@pytest.fixture
def project(project_template: Path, tmp_path: Path) -> Path:
    """A project folder of this test's own, with a corpus so small that stages run in seconds."""
    return Path(shutil.copytree(project_template, tmp_path / "project"))


@pytest.fixture
def dvc_project(project: Path) -> Path:
    """The project as a fresh clone of a small repository: smoke settings, data pinned."""
    return make_repository(project, "model.size=tiny", "model.backbone.hidden_size=32")

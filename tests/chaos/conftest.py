"""A workshop of each worker's own, and a table of what all of them found."""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from checking import KINDS as FAULTS
from checking import Faults
from workshop import Workshop

from ostinato.music.piece import Piece
from ostinato.music.writing import write_midi

ROOT = Path(__file__).parents[2]
SHARED_MEMORY = Path("/dev/shm")
PIECES = 8
SCORES = 96  # so many are read by several processes
SCORE = """<score-partwise version="3.1"><part-list><score-part id="P1"><part-name/></score-part>
</part-list><part id="P1">{bars}</part></score-partwise>"""
BAR = """<measure number="{number}"><attributes><divisions>1</divisions></attributes><note><pitch>
<step>{step}</step><octave>{octave}</octave></pitch><duration>4</duration></note></measure>"""

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"  # before the fork server is started: it must have no threads


@pytest.fixture(scope="session")
def workshop(
    short_chorales: list[Piece], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workshop]:
    """A project with eight chorales, as MIDI in data/bach and, to fetch, in music/ and a .zip."""
    base = tmp_path_factory.mktemp("chaos")
    template = base / "template"
    shutil.copytree(ROOT / "conf", template / "conf")
    shutil.copy(ROOT / "params.yaml", template)
    for piece, other in zip(
        short_chorales[:PIECES], short_chorales[PIECES : 2 * PIECES], strict=True
    ):
        write_midi(piece, template / "data" / "bach" / f"{piece.name}.mid")
        write_midi(other, template / "other" / f"{piece.name}.mid")
    shutil.copytree(template / "data" / "bach", template / "music")
    for number in range(SCORES):
        write_score(template / "scores" / f"{number:02d}.musicxml", number)
    with zipfile.ZipFile(template / "music.zip", "w") as archive:
        for file in sorted((template / "music").iterdir()):
            archive.write(file, file.name)
    memory = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=memory) as other_disk:
        yield Workshop(base, template, Path(other_disk) / "disk")


def write_score(path: Path, number: int) -> None:
    """Write two bars of MusicXML that no other number has."""
    notes = (number % 7, number // 7 % 7), (number // 49, 0)
    bars = [
        BAR.format(number=i, step="CDEFGAB"[step], octave=octave + 2)
        for i, (step, octave) in enumerate(notes, 1)
    ]
    path.parent.mkdir(exist_ok=True)
    path.write_text(SCORE.format(bars="".join(bars)))


@pytest.fixture(scope="session")
def seed() -> int:
    """From which all delays are drawn: CHAOS_SEED, or 1."""
    return int(os.environ.get("CHAOS_SEED", "1"))


@pytest.fixture
def random(seed: int, request: pytest.FixtureRequest) -> Random:
    """Random numbers of a test's own."""
    return Random(f"{seed} {request.node.name}")


@pytest.fixture
def report(
    record_property: Callable[[str, object], None],
) -> Callable[[str, str, int, Faults], None]:
    """Add a row to the table at the end, and fail where there are faults."""

    def add(harness: str, name: str, count: int, faults: Faults) -> None:
        record_property("chaos", [harness, name, count, *(len(getattr(faults, k)) for k in FAULTS)])
        assert not faults.all(), "\n".join(faults.all())

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, also where several workers filled it."""
    rows = [
        [*value, round(report.duration)]
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "chaos" and report.when == "call"
    ]
    if not rows:
        return
    heads = ("harness", "of", "times", *FAULTS, "seconds")
    sums = ["all", "", *(sum(row[i] for row in rows) for i in range(2, len(heads)))]
    terminalreporter.section(f"chaos, seed {os.environ.get('CHAOS_SEED', '1')}")
    for row in (heads, *sorted(rows, key=lambda row: (row[0], row[1])), sums):
        cells = [f"{row[0]:<18}", f"{row[1]:<34}", *(f"{cell:>9}" for cell in row[2:])]
        terminalreporter.write_line(" ".join(cells))

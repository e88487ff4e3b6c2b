"""Whatever a fuzzer makes of a music file is read as sound music or refused with a reason."""

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import mutants
import numpy as np
import pytest

from ostinato.music.piece import KEY_SIGNATURE, TEMPO, TIME_SIGNATURE, Piece
from ostinato.music.writing import write_midi

TUNES = {
    "reel": "X:1\nT:A Reel\nM:4/4\nL:1/8\nQ:1/4=120\nK:D\n|:d2 fd A2 FA|(3efg f>e d2:|\n",
    "voices": "X:2\nM:3/4\nL:1/4\nK:Gmin\nV:1\nG A B|[Gd]2 z|1 c3:|2 d3|]\nV:2\nG,3|D,3|G,,3|\n",
    "session": "X:3\nP:AB\nM:C|\nL:1/8\nU:n=!trill!\nm:~G2=AG\nK:Ador clef=treble-8\nP:A\n"
    '{g}n"Am"A2^c2-c2&z4F2|1,3 [CE]2>G2 +roll+~G2:|[2 Z2:|[4 G4|]\\\n(3(ABc) [K:D][M:3/4]d4|\n'
    "r:remark\nw:la\nP:B\n%%MIDI program 40\n[K:octave=1]!D.C.!C6::(5:4:6C/D/E/F/G/A/ B,4 :|\n"
    "\nThe end.\n",
    "book": "M:6/8\nL:1/8\nX:1\nK:C\nCEG c2z|\nX:2\nK:Am\nA,CE A3-|A6|]\n",
}


@pytest.fixture(scope="session")
def originals(short_chorales: list[Piece], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that are in order, a few of each kind."""
    import music21

    folder = tmp_path_factory.mktemp("originals")
    for piece in short_chorales[:3]:
        write_midi(piece.cropped(0, 8 * piece.resolution), folder / f"{piece.name}.mid")
    write_midi(band(short_chorales[0]), folder / "band.mid")
    for name, tune in TUNES.items():
        (folder / f"{name}.abc").write_text(tune)
    bach = Path(music21.__file__).parent / "corpus" / "bach"
    for path in sorted(bach.glob("*.mxl"), key=lambda path: path.stat().st_size)[:2]:
        shutil.copy(path, folder / path.name)
        with zipfile.ZipFile(path) as archive:
            (score,) = [name for name in archive.namelist() if "META" not in name]
            (folder / f"{path.stem}.musicxml").write_bytes(archive.read(score))
    for path in (Path(__file__).parent / "cases").glob("*.musicxml"):
        shutil.copy(path, folder)
    return folder


def band(piece: Piece) -> Piece:
    """Four instruments, one of them drums, whose tempo, metre and key change."""
    notes = piece.notes.copy()
    notes["program"] = np.array([0, 40, 71, 0])[notes["track"]]
    notes["drum"] = notes["track"] == 3
    quarter = piece.resolution
    return replace(
        piece,
        notes=notes,
        tempos=np.array([(0, 100.0), (4 * quarter, 140.0)], TEMPO),
        time_signatures=np.array([(0, 4, 4), (8 * quarter, 3, 8)], TIME_SIGNATURE),
        key_signatures=np.array([(0, -3, True), (9 * quarter, 2, False)], KEY_SIGNATURE),
    )


def verdicts(folder: Path, suffix: str, first: int, count: int) -> list[str]:
    """What became of each mutant, read in a process of its own, which may die."""
    command = [sys.executable, "-X", "faulthandler", mutants.__file__, str(folder), suffix]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [*command, str(first), str(count)], capture_output=True, text=True, env=environment
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, (
        f"{lines[-1]} of the {suffix} files ended the process ({done.returncode}):\n{done.stderr}"
    )
    return lines[1::2]


@pytest.mark.parametrize(
    ("suffix", "count"), [(".mid", 3000), (".musicxml", 600), (".mxl", 200), (".abc", 400)]
)
def test_every_mutant_is_read_or_refused(originals: Path, suffix: str, count: int) -> None:
    found = verdicts(originals, suffix, 0, count)
    assert len(found) == count
    read = found.count("read")
    assert count / 20 < read < count * 19 / 20, "mutants should be of both kinds"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "count"),
    [(".mid", 80_000), (".musicxml", 12_000), (".mxl", 4_000), (".abc", 10_000)],
)
def test_every_one_of_many_mutants_is_read_or_refused(
    originals: Path, suffix: str, count: int
) -> None:
    assert len(verdicts(originals, suffix, 10_000, count)) == count


def test_a_mutant_is_made_from_its_number_alone(originals: Path) -> None:
    for suffix in mutants.MUTATIONS:
        one, again, other = (mutants.mutant(originals, suffix, n) for n in (5, 5, 6))
        assert one == again != other

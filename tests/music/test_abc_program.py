"""abc2midi is a process of its own: whatever it does, reading a tune goes on."""

from pathlib import Path

import pytest

from ostinato.errors import UnreadableError
from ostinato.music import abc
from ostinato.music.abc import converter

TUNE = "X:1\nM:4/4\nL:1/4\nK:C\nCDEF|\n"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in abc2midi's place, which each test writes."""
    path = tmp_path / "abc2midi"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    monkeypatch.setenv("SYMUSIC_ABC2MIDI", str(path))
    return path


DEATHS = {
    "died of it \\(signal 11\\)": "kill -SEGV $$",
    "died of it \\(exit code 3\\)": "exit 3",
    "makes no MIDI of it": "exit 0",
    "died of it": "exec head -c 1000000000 /dev/zero",
    "finds an error in it: what is this\\?": "echo 'Error in line-char 1-1 : what is this?'",
    "not a MIDI file": "echo nonsense > tune.mid",
}


@pytest.mark.parametrize("reason", DEATHS)
def test_its_death_is_one_sentence(reason: str, program: Path) -> None:
    program.write_text(f"#!/bin/sh\n{DEATHS[reason]}\n")
    with pytest.raises(UnreadableError, match=reason) as caught:
        abc.read_tune(TUNE, "tune")
    assert "\n" not in str(caught.value)


def test_it_is_stopped_by_the_clock(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program.write_text("#!/bin/sh\nexec sleep 100\n")
    monkeypatch.setattr(converter, "SECONDS", 0.2)
    with pytest.raises(UnreadableError, match=r"took longer than 0\.2 s"):
        abc.read_tune(TUNE, "tune")


def test_its_processor_time_and_memory_are_limited(program: Path) -> None:
    program.write_text("#!/bin/sh\necho Error in line-char 1-1 : $(ulimit -t) $(ulimit -v)\n")
    with pytest.raises(UnreadableError, match=f"{converter.CPU_SECONDS} {converter.MEMORY * 1024}"):
        abc.read_tune(TUNE, "tune")


def test_it_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    abc.read_tune(TUNE, "tune")
    with pytest.raises(UnreadableError):
        abc.read_tune(f"{TUNE}C3>D|", "tune")
    assert list(tmp_path.iterdir()) == []


def test_a_tune_reads_no_other_file(tmp_path: Path) -> None:
    other = tmp_path / "other.abc"
    other.write_text("G4|\n")
    piece = abc.read_tune(f"{TUNE}%%abc-include {other}\n", "tune")
    assert piece.notes["pitch"].tolist() == [60, 62, 64, 65]

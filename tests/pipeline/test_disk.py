"""Disks that are full or cannot be written: a sentence, and nothing half-written."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from projects import run


@pytest.fixture
def small_disk(project: Path) -> Iterator[Path]:
    """A project whose outputs/ lies on a disk of 40 KiB."""
    outputs = project / "outputs"
    outputs.mkdir()
    try:
        command = ["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", str(outputs)]
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small disk is not permitted here")
    yield project
    subprocess.run(["umount", str(outputs)], check=True)


def test_a_full_disk_is_told_in_a_sentence_and_keeps_what_was_there(small_disk: Path) -> None:
    run(small_disk, "ostinato", "compose")
    before = (small_disk / "outputs" / "config.yaml").read_bytes()
    (small_disk / "outputs" / "ballast").write_bytes(b"0" * 30_000)
    done = run(small_disk, "ostinato", "preprocess", check=False)
    assert done.returncode == 1
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert (small_disk / "outputs" / "config.yaml").read_bytes() == before
    made = {p.name for p in (small_disk / "outputs").iterdir()}
    assert made == {"config.yaml", "ballast", "cache"}  # where a reading that was stopped is kept
    assert not [p for p in (small_disk / "outputs").rglob("*") if p.suffix == ".part"]


def test_a_read_only_disk_is_told_in_a_sentence(small_disk: Path) -> None:
    outputs = str(small_disk / "outputs")
    subprocess.run(["mount", "-o", "remount,ro", outputs], check=True)
    done = run(small_disk, "ostinato", "preprocess", check=False)
    assert done.returncode == 1
    assert "read-only" in done.stderr
    assert "Traceback" not in done.stderr

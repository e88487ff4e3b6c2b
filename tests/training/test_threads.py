"""A training that shares its cores with other programs says so before it begins."""

from dataclasses import replace

import psutil
import pytest
import torch
from trainings import SHORT

from ostinato.models.threads import computing_with, threads_for_steps
from ostinato.training.threads import warn_of_others

Captured = pytest.CaptureFixture[str]


def used(monkeypatch: pytest.MonkeyPatch, percent: float, cores: int = 4) -> None:
    """Let the machine have so many cores, of which others use a part."""
    monkeypatch.setattr(psutil, "cpu_percent", lambda _: percent)
    monkeypatch.setattr(psutil, "cpu_count", lambda: cores)


def test_other_work_on_the_cores_is_said(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    used(monkeypatch, 50.0)
    with computing_with(4):
        warn_of_others(SHORT)
    said = " ".join(capsys.readouterr().err.split())
    assert "other programs use 2.0 of 4 cores" in said
    assert "training.threads=1" in said


@pytest.mark.parametrize(("threads", "percent"), [(1, 50.0), (4, 5.0), (2, 50.0)])
def test_free_cores_are_enough(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, threads: int, percent: float
) -> None:
    used(monkeypatch, percent)
    with computing_with(threads):
        warn_of_others(SHORT)
    assert not capsys.readouterr().err


def test_a_gpu_has_threads_of_its_own(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    used(monkeypatch, 100.0)
    with computing_with(4):
        warn_of_others(replace(SHORT, accelerator="gpu"))
    assert not capsys.readouterr().err


def test_threads_are_as_before_afterwards() -> None:
    before = torch.get_num_threads()
    with computing_with(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_steps_of_few_sequences_have_one_thread() -> None:
    assert threads_for_steps(1) == 1
    assert threads_for_steps(256) is None

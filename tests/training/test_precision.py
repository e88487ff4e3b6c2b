"""Precision of a training, on a processor with bfloat16 and on one without."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from trainings import SHORT

from ostinato.training import precision
from ostinato.training.precision import choose_precision, has_bfloat16, report_precision

HALF = replace(SHORT, precision="bf16-mixed")


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor without instructions for bfloat16."""
    monkeypatch.setattr(precision, "has_bfloat16", lambda: False)


@pytest.mark.usefixtures("without")
def test_a_processor_without_bfloat16_takes_32_bits_and_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert choose_precision(HALF) == "32-true"
    report_precision(HALF)
    told = " ".join(capsys.readouterr().err.split())
    assert told.startswith("warning: this processor has no instructions for bfloat16")


@pytest.mark.usefixtures("without")
def test_what_does_not_need_them_stays(capsys: pytest.CaptureFixture[str]) -> None:
    for training, chosen in ((SHORT, "32-true"), (replace(HALF, accelerator="gpu"), "bf16-mixed")):
        assert choose_precision(training) == chosen
        report_precision(training)
    assert capsys.readouterr().err == ""


def test_a_processor_with_bfloat16_trains_in_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda: True)
    assert choose_precision(HALF) == "bf16-mixed"
    report_precision(HALF)
    assert capsys.readouterr().err == ""


def test_a_torch_without_onednn_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace())
    assert not has_bfloat16()


def test_an_lstm_can_be_trained_in_the_precision_that_is_chosen() -> None:
    chosen = choose_precision(HALF)
    network = torch.nn.LSTM(8, 8, batch_first=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=chosen == "bf16-mixed"):
        y, _ = network(torch.randn(2, 5, 8))
        y.float().sum().backward()
    assert all(p.grad is not None for p in network.parameters())

"""Precision of a training's arithmetic, on the machine that it runs on."""

import torch

from ostinato import console
from ostinato.training.settings import Precision, Training

FLOAT32: Precision = "32-true"
BFLOAT16: Precision = "bf16-mixed"


def choose_precision(training: Training) -> Precision:
    """Return the precision that a training has here.

    A processor without instructions for bfloat16 (AVX-512 or AMX) takes 32 bits in its place: it
    would be several times slower with it, and oneDNN has no LSTM in bfloat16 for it.
    """
    if training.precision != BFLOAT16 or not _on_processor(training) or has_bfloat16():
        return training.precision
    return FLOAT32


def report_precision(training: Training) -> None:
    """Warn where a training has another precision than its settings say."""
    if (chosen := choose_precision(training)) != training.precision:
        console.warn(
            "this processor has no instructions for bfloat16: training.precision="
            f"{training.precision} becomes {chosen}. Training takes longer than with them, and the "
            "weights differ a little."
        )


def has_bfloat16() -> bool:
    """Return whether this processor has instructions that oneDNN uses for bfloat16."""
    library = torch.ops.mkldnn  # without oneDNN, as on Macs, it lacks the question
    return hasattr(library, "_is_mkldnn_bf16_supported") and library._is_mkldnn_bf16_supported()


def _on_processor(training: Training) -> bool:
    if training.accelerator == "auto":
        return not torch.accelerator.is_available()
    return training.accelerator == "cpu"

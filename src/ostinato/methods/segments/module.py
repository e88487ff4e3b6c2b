"""The base of modules that train segment models."""

import pytorch_lightning as pl

from ostinato.representations.voice_roll import VoiceRoll
from ostinato.training.module import MethodModule


class SegmentModule(MethodModule):
    """A segment model in training. generated: segments of the same noise, after each validation."""

    validates_training = True
    generated: VoiceRoll | None = None


def segment_module(module: pl.LightningModule) -> SegmentModule:
    """Return what a callback is given as the module that trains a segment model."""
    assert isinstance(module, SegmentModule)
    return module

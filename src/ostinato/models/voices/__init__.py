"""Parts of sequence models for interleaved voices."""

from collections.abc import Callable
from dataclasses import dataclass

from ostinato.models.backbone import Backbone
from ostinato.models.heads.base import Head
from ostinato.models.inputs import Input
from ostinato.models.voices.controls import BarControls


@dataclass(frozen=True)
class VoiceParts:
    """Parts that serve interleaved voices: `backbone` gets the model's own as its `outer` one.

    controls: what its bars can be asked to be like, None for nothing.
    """

    input: Callable[..., Input]
    backbone: Callable[..., Backbone]
    head: Callable[..., Head]
    controls: Callable[..., BarControls] | None

"""Requests as overrides of `ostinato generate`: what is drawn here can be drawn there too."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostinato.stages.bundle_config import quoted
from ostinato.studio.schemas import (
    DRAWINGS,
    Compose,
    Drawing,
    Harmonise,
    Infill,
    Interpolate,
    Latent,
    Music,
    Vary,
)

SAMPLES = "more"  # the folder that the command writes
MORE_BARS = 8  # that music is continued by, where a request says nothing
PROBES = {
    "compose": ("sampling=ancestral",),
    "continue": ("sampling=continue", "sampling.prompt=prompt.mid"),
    "infill": ("sampling=infill", "sampling.piece=prompt.mid"),
    "harmonise": ("sampling=harmonise", "sampling.piece=prompt.mid"),
    "vary": ("sampling=vary", "sampling.piece=prompt.mid"),
    "interpolate": ("sampling=interpolate", "sampling.start=start.mid", "sampling.to=to.mid"),
    "latent": ("sampling=latent",),
}
"""What a model can do, and overrides that say so: a model that refuses them cannot."""
CHOSEN_HERE = {"candidates": 1, "choose": "typical", "novelty": 0}
"""Settings of sampling that the studio sets, as people choose among what was drawn."""


@dataclass(frozen=True)
class Overrides:
    """A request as overrides. music: by the name of the file that an override names."""

    kind: str
    words: tuple[str, ...]
    music: Mapping[str, Music]

    def placed(self, folder: Path) -> list[str]:
        """Return the overrides with the files in a folder."""
        return [self._place(word, folder) for word in self.words]

    def _place(self, word: str, folder: Path) -> str:
        key, _, value = word.partition("=")
        return f"{key}={quoted(str(folder / value))}" if value in self.music else word


def kind_of(request: Drawing) -> str:
    """Return which of `PROBES` a request needs."""
    if isinstance(request, Compose):
        return "compose" if request.music is None else "continue"
    [kind] = [name for name, type_ in DRAWINGS.items() if type(request) is type_]
    return kind


def to_overrides(
    request: Drawing, settings: Mapping[str, Any], unread: Sequence[str], tracks: int
) -> Overrides:
    """Return the overrides of a request.

    settings: of sampling, as the project has them for this kind; unread: dotted keys that the model
    does not read; tracks: how many it writes.
    """
    kind = kind_of(request)
    words: list[str] = [PROBES[kind][0]]
    music: dict[str, Music] = {}

    def add(name: str, value: Any) -> None:
        if f"sampling.{name}" not in unread and settings.get(name) != value:
            words.append(f"sampling.{name}={_written(value)}")

    def give(name: str, file: str, piece: Music) -> None:
        words.append(f"sampling.{name}={file}")
        music[file] = piece

    if isinstance(request, Compose):
        _compose(request, settings, words, add, give)
    elif isinstance(request, Infill):
        give("piece", "prompt.mid", request.music)
        for name in ("bars", "tracks", "pitches", "notes"):
            add(name, getattr(request, name))
    elif isinstance(request, Harmonise):
        give("piece", "prompt.mid", request.music)
        add("tracks", list(range(2, tracks + 1)))
    elif isinstance(request, Vary):
        give("piece", "prompt.mid", request.music)
        add("distance", request.distance)
    elif isinstance(request, Interpolate):
        give("start", "start.mid", request.start)
        give("to", "to.mid", request.to)
        add("interpolation_steps", request.steps)
    elif isinstance(request, Latent):
        if request.music is not None:
            give("piece", "prompt.mid", request.music)
        words += [
            f"sampling.attributes.{name}={_written(value)}"
            for name, value in sorted(request.attributes.items())
        ]
    add("pieces", request.candidates)
    for name, value in CHOSEN_HERE.items():
        add(name, value)
    for name in ("temperature", "top_p", "min_p"):
        if (value := getattr(request, name)) is not None:
            # said even where the model does not read it, so that it is refused and not ignored
            words.append(f"sampling.{name}={_written(value)}")
    words += [
        f"sampling.control.{name}={_written(shares)}"
        for name, shares in sorted(request.controls.items())
    ]
    return Overrides(kind, (*words, f"seed={request.seed}"), music)


def _compose(
    request: Compose, settings: Mapping[str, Any], words: list[str], add: Any, give: Any
) -> None:
    bars = request.bars
    if request.music is not None:
        give("prompt", "prompt.mid", request.music)
        given = request.prompt_bars
        if given is not None:
            add("prompt_bars", given)
            bars = bars or max(int(settings["max_bars"]), given + MORE_BARS)
    if request.bars is not None:
        words.append(f"sampling.max_bars={bars}")  # refused where the model does not read it
    elif bars is not None:
        add("max_bars", bars)


def to_command(asked: Overrides, model: str) -> str:
    """Return the command that draws the same bytes, with `asked.music` beside one."""
    words = [*asked.words, f"model_dir={quoted(model)}", f"samples_dir={SAMPLES}"]
    return f"ostinato generate {' '.join(map(shlex.quote, words))}"


def _written(value: Any) -> str:
    """Return a value as a Hydra override takes it."""
    if value is None:
        return "null"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_written, value))}]"
    return str(value)

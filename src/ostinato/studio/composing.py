"""Music for a request: drawn as `ostinato generate` with the same overrides draws it."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.errors import UserError
from ostinato.methods.base import Method, Sample, SamplingTask
from ostinato.music.writing import midi_bytes
from ostinato.studio.models import ModelCache, OpenBundle
from ostinato.studio.overrides import Overrides, kind_of, to_command, to_overrides
from ostinato.studio.pieces import encode, from_request, to_json
from ostinato.studio.schemas import Drawing

if TYPE_CHECKING:
    from ostinato.music.piece import Piece

Watch = Callable[[dict[str, Any]], None]


def draw(folder: Path, request: Drawing, cache: ModelCache, watch: Watch) -> dict[str, Any]:
    """Return new pieces as `schemas.Composed` has them.

    watch: called with the first piece as far as it goes, of models that compose from left to right
    and where one piece is asked for. Raises `UserError` for what the model cannot do.
    """
    begun = time.monotonic()
    opened = cache.take(folder)
    kind = kind_of(request)
    if kind in opened.why_not:
        raise UserError(opened.why_not[kind])
    asked = to_overrides(request, opened.settings[kind], opened.unread[kind], opened.tracks)
    files = {name: midi_bytes(from_request(music)) for name, music in asked.music.items()}
    with tempfile.TemporaryDirectory() as place:
        for name, content in files.items():
            (Path(place) / name).write_bytes(content)
        try:
            samples = _sample(opened, asked, Path(place), request, cache, watch)
        except UserError as error:
            raise UserError(_without_files(str(error), asked, Path(place))) from error
    return {
        "seed": request.seed,
        "pieces": [to_json(s.piece, s.given, s.ended, s.facts) for s in samples],
        "seconds": round(time.monotonic() - begun, 2),
        "command": to_command(asked, console.where(opened.folder)),
        "files": {name: encode(content) for name, content in files.items()},
    }


def _sample(
    opened: OpenBundle,
    asked: Overrides,
    place: Path,
    request: Drawing,
    cache: ModelCache,
    watch: Watch,
) -> list[Sample]:
    config = cache.compose(opened.folder, asked.placed(place))
    method: Method = config.build("method")
    method.check_sampling(config)

    def show(piece: "Piece") -> None:
        watch(to_json(piece))

    task = SamplingTask(
        opened.bundle,
        config.build("sampling"),
        config["seed"],
        list,
        show if request.candidates == 1 else None,
    )
    return method.sample(task).samples


def _without_files(sentence: str, asked: Overrides, place: Path) -> str:
    """Return a sentence that calls files as the user knows them."""
    for name in asked.music:
        for setting in ("piece", "prompt", "start", "to"):
            sentence = sentence.replace(f"sampling.{setting}={place / name}", "the music")
        sentence = sentence.replace(str(place / name), "the music")
    return sentence

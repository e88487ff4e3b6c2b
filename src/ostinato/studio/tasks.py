"""What the processes beside the server do: each a request in, an answer out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostinato.studio import schemas
from ostinato.studio.composing import draw
from ostinato.studio.models import ModelCache, describe, list_folders, list_registered
from ostinato.studio.pieces import from_request, read_file, to_json


@dataclass(frozen=True)
class Context:
    """What a task has: the open models, and whom to tell of a piece that grows."""

    cache: ModelCache
    watch: Callable[[dict[str, Any]], None]


def _draw(request: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Draw new music: kind, body and the folder of the model."""
    body = schemas.DRAWINGS[request["kind"]].model_validate(request["body"])
    return draw(Path(request["folder"]), body, context.cache, context.watch)


def _open(request: Mapping[str, Any], context: Context) -> dict[str, Any]:
    return describe(request["name"], context.cache)


def _list_folders(request: Mapping[str, Any], context: Context) -> dict[str, Any]:
    del request
    return {"known": list_folders(context.cache)}


def _list_registered(request: Mapping[str, Any], context: Context) -> dict[str, Any]:
    del request
    return {"known": list_registered(context.cache)}


def _read(request: Mapping[str, Any], context: Context) -> dict[str, Any]:
    del context
    return to_json(read_file(request["content"], request["name"]))


def _notation(request: Mapping[str, Any], context: Context) -> dict[str, Any]:
    from ostinato.studio.engraving import engrave

    del context
    asked = schemas.Notation.model_validate(request)
    return engrave(from_request(asked.music), asked.width, asked.scale)


def _export(request: Mapping[str, Any], context: Context) -> dict[str, Any]:
    from ostinato.studio.exporting import export

    del context
    asked = schemas.Export.model_validate(request["body"])
    return {"content": export(from_request(asked.music, asked.name), request["format"])}


def _vote(request: Mapping[str, Any], context: Context) -> dict[str, Any]:
    from ostinato.studio.voting import keep_vote

    asked = schemas.VoteIn.model_validate(request["body"])
    outputs = context.cache.workspace.outputs
    kept: dict[str, Any] = keep_vote(asked, request["models"], request["voter"], outputs)
    return kept


def _log(request: Mapping[str, Any], context: Context) -> dict[str, Any]:
    from ostinato.studio.run_logging import log_piece

    asked = schemas.Log.model_validate(request["body"])
    piece = from_request(asked.music, asked.name)
    workspace = context.cache.workspace
    return log_piece(piece, asked.name, asked.command, Path(request["folder"]), workspace)


TASKS: dict[str, Callable[[Mapping[str, Any], Context], dict[str, Any]]] = {
    "draw": _draw,
    "open": _open,
    "folders": _list_folders,
    "registered": _list_registered,
    "read": _read,
    "notation": _notation,
    "export": _export,
    "vote": _vote,
    "log": _log,
}

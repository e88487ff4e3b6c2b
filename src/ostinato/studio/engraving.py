"""Pieces as notation: music21 writes MusicXML, and verovio draws it."""

import json
from functools import lru_cache
from typing import Any

from ostinato.errors import UserError
from ostinato.music.notation import musicxml_bytes
from ostinato.music.piece import Piece

PRECISION = 3  # decimals of a quarter note by which notes are found again


def engrave(piece: Piece, width: int, scale: int) -> dict[str, Any]:
    """Return pages of SVG, `width` pixels wide, and by the id in them which notes of the piece.

    drums: how many notes of drums are left out. Raises `UserError` for a piece that cannot be
    notated.
    """
    drums = int(piece.notes["drum"].sum())
    if drums == len(piece.notes):
        raise UserError("there is nothing to notate: the music has no pitched note.")
    try:
        written = musicxml_bytes(piece).decode("utf-8")
    except ValueError as error:
        raise UserError(f"music21 cannot notate this music: {error}.") from error
    toolkit = _toolkit()
    toolkit.setOptions(
        {
            "pageWidth": round(width * 100 / scale),
            "scale": scale,
            "adjustPageHeight": True,
            "breaks": "auto",
            "header": "none",
            "footer": "none",
            "svgViewBox": True,
            "xmlIdSeed": 1,  # the same ids each time
        }
    )
    if not toolkit.loadData(written):
        raise UserError("verovio cannot draw this music.")
    pages = [toolkit.renderToSVG(number + 1) for number in range(toolkit.getPageCount())]
    return {"pages": pages, "notes": _match(toolkit, piece), "drums": drums}


@lru_cache(maxsize=1)
def _toolkit() -> Any:
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    return verovio.toolkit()


def _match(toolkit: Any, piece: Piece) -> dict[str, list[int]]:
    """Return by the id of each drawn note which notes of the piece it is: (onset, pitch) are same.

    A drawn note that is tied to one before it is the note that sounds then.
    """
    ticks, notes = piece.resolution, piece.notes
    waiting: dict[tuple[float, int], list[int]] = {}
    for index, note in enumerate(notes):
        if not note["drum"]:
            key = (round(int(note["onset"]) / ticks, PRECISION), int(note["pitch"]))
            waiting.setdefault(key, []).append(index)
    found: dict[str, list[int]] = {}
    moments = toolkit.renderToTimemap()
    for moment in json.loads(moments) if isinstance(moments, str) else moments:
        at = round(float(moment["qstamp"]), PRECISION)
        for id_ in moment.get("on", ()):
            pitch = int(toolkit.getMIDIValuesForElement(id_)["pitch"])
            here = waiting.get((at, pitch))
            if here:
                found[id_] = [here.pop(0)]
                continue
            sounds = (notes["onset"] < at * ticks) & (
                notes["onset"] + notes["duration"] > at * ticks
            )
            tied = (sounds & (notes["pitch"] == pitch)).nonzero()[0]
            if len(tied):
                found[id_] = [int(tied[0])]
    return found

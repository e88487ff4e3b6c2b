"""listen.html: samples to hear and to see, in one file that needs no network."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ostinato.music.keys import estimate_key, written_key
from ostinato.music.naming import instrument_name, longest, metre_name
from ostinato.music.picture import GIVEN, has_pickup, track_label
from ostinato.music.piece import DEFAULT_QPM, Piece
from ostinato.music.roll import draw_roll
from ostinato.music.writing import midi_bytes

TEMPLATES = Path(__file__).parents[1]
INSTRUMENTS_NAMED = 4  # at most, of a piece


@dataclass(frozen=True)
class Given:
    """The part of a sample that is not new: all before the tick `until`, and some tracks.

    source: where it is from, as "bwv10.7, a piece of the test split". notes: of each note of the
    sample whether it is given, where that is not said by the others; else empty.
    """

    source: str
    until: int = 0
    tracks: frozenset[int] = frozenset()
    notes: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Sample:
    """A piece to listen to.

    sounds: an MP3 of each track that can be heard alone, all of one length, with the piece's time
    0; or one of all tracks, under None. facts: in a few words, what its notes do not tell; note: a
    sentence about it. `real` marks music that no model made.
    """

    name: str
    piece: Piece
    sounds: Mapping[int | None, bytes]
    title: str = ""
    facts: Sequence[str] = ()
    note: str = ""
    given: Given | None = None
    real: bool = False


@dataclass(frozen=True)
class Listening:
    """The content of the page of samples: `settings` says how they were made, label by label."""

    title: str
    samples: Iterable[Sample]
    subtitle: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    sample_rate: int = 22050  # of the sounds, in Hz


def listen_page(listening: Listening) -> str:
    """Return an HTML page that plays each sample and follows it in its piano-roll.

    The page is one file: sound, pictures and MIDI are inside it.
    """
    samples = [show_sample(sample) for sample in listening.samples]
    return render_template("music/listen.html.jinja", page=listening, samples=samples)


def render_template(name: str, **values: Any) -> str:
    """Fill a template, named by its path in the package; values are escaped for HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name).render(values)


def base64_text(data: bytes) -> str:
    """Return bytes as they stand in a data: address."""
    return base64.b64encode(data).decode("ascii")


def describe_piece(piece: Piece) -> list[str]:
    """Return what a musician asks first: key, bars and metre, tempo, length, instruments."""
    if not len(piece.notes):
        return ["no notes"]
    written, minutes = written_key(piece), divmod(round(piece.seconds), 60)
    key = written or estimate_key(piece)
    facts = [] if key is None else [key.name if written else f"{key.name} (estimated)"]
    tempo = longest(piece.tempos, piece.end)
    facts += [
        _bars_and_metre(piece),
        f"♩ = {DEFAULT_QPM if tempo is None else tempo['qpm']:.0f}",
        f"{minutes[0]}:{minutes[1]:02d}",
        _instruments(piece),
    ]
    return facts


def show_sample(sample: Sample) -> dict[str, Any]:
    """Return what the template `music/player.html.jinja` needs of a sample."""
    piece, given = sample.piece, sample.given
    roll = draw_roll(piece, given.until if given else 0, given.notes if given else ())
    safe = "".join(c if c.isalnum() or c in " ._-" else "_" for c in sample.name)
    return {
        "title": sample.title or sample.name,
        "facts": [*describe_piece(piece), *sample.facts],
        "note": sample.note or _explain_given(sample),
        "real": sample.real,
        "roll": roll,
        "grey": GIVEN,
        "sound": base64_text(sample.sounds.get(None, b"")),
        "voices": _show_voices(sample, roll["tracks"]),
        "midi": base64_text(midi_bytes(piece)),
        "file": f"{safe}.mid",
    }


def _show_voices(sample: Sample, tracks: Mapping[int, Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return each track that is drawn, with its sound where it can be heard alone."""
    fixed = sample.given.tracks if sample.given else frozenset()
    return [
        {
            "name": track_label(sample.piece, track) + (", given" if track in fixed else ""),
            "sound": base64_text(sample.sounds.get(track, b"")),
            **drawn,
        }
        for track, drawn in tracks.items()
    ]


def _explain_given(sample: Sample) -> str:
    given = sample.given
    if given is None:
        return ""
    names = [track_label(sample.piece, track) for track in sorted(given.tracks)]
    what = " and ".join(names) if names else "the shaded beginning"
    if given.notes:
        what = f"the grey notes, {sum(given.notes)} of {len(given.notes)}"
    return f"Given: {what}, from {given.source}. The rest is new."


def _bars_and_metre(piece: Piece) -> str:
    pickup = has_pickup(piece)
    lines = piece.barlines()
    count = int((lines < piece.end).sum()) - pickup
    signature = longest(piece.time_signatures, piece.end)
    metre = "4/4" if signature is None else metre_name(*(int(part) for part in signature))
    return f"{count} bar{'' if count == 1 else 's'} of {metre}{' after a pickup' if pickup else ''}"


def _instruments(piece: Piece) -> str:
    """Return the instruments in order of their tracks, each once."""
    rows = np.unique(piece.notes[["track", "program", "drum"]])
    names = list(dict.fromkeys(instrument_name(int(p), bool(d)) for _, p, d in rows.tolist()))
    more = len(names) - INSTRUMENTS_NAMED
    return ", ".join(names[:INSTRUMENTS_NAMED]) + (f" and {more} more" if more > 0 else "")

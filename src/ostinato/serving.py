"""A registered model as MLflow serves it: prompts in, MIDI out.

MLflow loads this module by its name (`loader_module` in the MLmodel file) and calls
`_load_pyfunc`. No code and no pickle comes with the model.
"""

import base64
import binascii
import json
import math
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ostinato.config import Config
from ostinato.errors import UserError
from ostinato.methods.base import Method, Sample, SamplingTask
from ostinato.models.bundle import Bundle, load_bundle
from ostinato.music.piece import LOUDNESS, NOTE, Piece, array
from ostinato.music.writing import midi_bytes, write_midi
from ostinato.registry import MODEL
from ostinato.sampling.settings import CONTROLS as NAMES
from ostinato.untrusted import MIB

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

SETTINGS = "sampling.yaml"  # beside the bundle: how music is drawn where a request says nothing
ADDED = {"min_p": None}  # settings that models registered before lack, and what those mean
RESOLUTION = 480  # ticks of a quarter note of a prompt that is given as notes
MOST_ROWS, MOST_NOTES, LARGEST_MIDI = 64, 10_000, MIB  # of a request
LONGEST = 100_000  # quarter notes
PARAMETERS = ("temperature", "max_bars")  # of a request, besides its seed
FIELDS = {"onset": (0, LONGEST), "duration": (0, LONGEST), "pitch": (0, 127), "track": (0, 15)}
NEEDED = ("onset", "duration", "pitch")
FILL = ("bars", "tracks", "pitches", "notes")  # what of the music of a row is made anew
PROMPT = "prompt.mid"


class RequestError(UserError):
    """A request that cannot be answered; the message is what would be right."""


@dataclass(frozen=True)
class Row:
    """What one row asks for: music that goes on, or what of it is made anew, and controls."""

    music: Piece | None
    fill: Mapping[str, Any] | None
    control: Mapping[str, Any]


@dataclass(frozen=True)
class Composer:
    """A bundle that answers requests.

    sampling: the settings where a request says nothing; filling: those of filling music in.
    """

    bundle: Bundle
    sampling: Mapping[str, Any]
    filling: Mapping[str, Any]

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> list[Any]:
        """Return a piece for each row: `midi` in base64, `ended` (whether by itself) and `notes`.

        model_input: rows with `midi` (base64) or `notes` (a list of objects with onset, duration
        and pitch, times in quarter notes); where that is empty, music from nothing. With `fill` (an
        object with bars, tracks, pitches or notes) these are made anew, and the rest of the music
        is given. `control`: an object of what bars shall be like. params: `seed`,
        `temperature`, `max_bars`. Raises MLflow's exception for a bad request, with a sentence.
        """
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import BAD_REQUEST

        try:
            return self.answer(_read_rows(model_input), params or {})
        except UserError as error:
            raise MlflowException(str(error), error_code=BAD_REQUEST) from error

    def answer(
        self, rows: list[Mapping[str, Any]], params: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Return a piece for each row; row i is drawn with the seed plus i."""
        if not any(rows):  # MLflow leaves out what the signature does not name
            raise RequestError(
                'each row should have midi or notes; {"midi": ""} asks for music from nothing.'
            )
        if len(rows) > MOST_ROWS:
            raise RequestError(f"a request has 1 to {MOST_ROWS} rows, and this has {len(rows)}.")
        given = {name: params[name] for name in PARAMETERS if params.get(name) is not None}
        seed = int(params.get("seed") or 0)
        if not 0 <= seed < 2**32 - MOST_ROWS:
            raise RequestError(f"seed={seed} does not fit: it should be from 0 to 2³² - 65.")
        asked = [_read_row(row) for row in rows]
        return [self._compose(row, given, seed + i) for i, row in enumerate(asked)]

    def _compose(self, row: Row, given: Mapping[str, Any], seed: int) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / PROMPT
            settings = {**(self.sampling if row.fill is None else self.filling), **given}
            settings |= {"pieces": 1, "control": {**settings["control"], **row.control}}
            if row.music is not None:
                write_midi(row.music, file)
            if row.fill is not None:
                settings |= {**dict.fromkeys(FILL), **row.fill, "piece": str(file)}
            elif row.music is not None:
                # the whole of it, as far as something is left to compose
                settings |= {"prompt": str(file), "prompt_bars": settings["max_bars"] - 1}
            named = {"sampling": "ancestral" if row.fill is None else "infill"}
            own = self.bundle.config.tree
            tree = {**own, "sampling": settings, "choices": {**own["choices"], **named}}
            config = Config(tree, self.bundle.config.plugins)
            method: Method = config.build("method")
            try:
                sampling = config.build("sampling")
                method.check_sampling(config)
                [sample] = method.sample(SamplingTask(self.bundle, sampling, seed, list)).samples
            except UserError as error:
                sentence = str(error).replace(f"sampling.piece={file}", "the music")
                raise RequestError(sentence.replace(str(file), "the prompt")) from error
        return _to_answer(sample)


def _to_answer(sample: Sample) -> dict[str, Any]:
    return {
        "midi": base64.b64encode(midi_bytes(sample.piece)).decode("ascii"),
        "ended": sample.ended,
        "notes": len(sample.piece.notes),
    }


def _load_pyfunc(data_path: str) -> Composer:
    """Return the composer of a registered model; MLflow calls this."""
    folder = Path(data_path)
    settings = Config.load(folder / SETTINGS)
    sampling, filling = (ADDED | settings[name] for name in ("sampling", "filling"))
    return Composer(load_bundle(folder / MODEL), sampling, filling)


def make_signature(sampling: Mapping[str, Any]) -> "ModelSignature":
    """Return what a request and an answer hold, for MLflow; defaults are those of `sampling`."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType

    inputs = [
        ColSpec(DataType.string, "midi", required=False),
        ColSpec(AnyType(), "notes", required=False),
        ColSpec(AnyType(), "fill", required=False),
        ColSpec(AnyType(), "control", required=False),
    ]
    outputs = [
        ColSpec(DataType.string, "midi"),
        ColSpec(DataType.boolean, "ended", required=False),
        ColSpec(DataType.long, "notes"),
    ]
    params = [
        ParamSpec("seed", DataType.long, 0),
        ParamSpec("temperature", DataType.double, float(sampling["temperature"])),
        ParamSpec("max_bars", DataType.long, int(sampling["max_bars"])),
    ]
    return ModelSignature(Schema(inputs), Schema(outputs), ParamSchema(params))


def _read_rows(model_input: Any) -> list[Mapping[str, Any]]:
    """Return the rows of a request: of a data frame, or of a list of objects."""
    if hasattr(model_input, "to_dict"):
        return list(model_input.to_dict(orient="records"))
    rows = model_input if isinstance(model_input, list) else [model_input]
    if not all(isinstance(row, Mapping) for row in rows):
        raise RequestError(
            'a request is a list of objects with midi or notes, as {"inputs": [{"midi": "…"}]}.'
        )
    return rows


def _read_row(row: Mapping[str, Any]) -> Row:
    """Return what a row asks for."""
    given = {name: value for name, value in row.items() if not _is_missing(value)}
    if unknown := sorted(set(map(str, given)) - {"midi", "notes", "fill", "control"}):
        raise RequestError(
            f"{unknown[0]} is unknown: a row has midi or notes, and may have fill and control."
        )
    if "midi" in given and "notes" in given:
        raise RequestError("a prompt is given as midi or as notes, and not as both.")
    music = _from_midi(given["midi"]) if "midi" in given else None
    if "notes" in given:
        music = _from_notes(given["notes"])
    fill = _read_object(given["fill"], "fill", FILL) if "fill" in given else None
    if fill is not None and music is None:
        raise RequestError("fill needs midi or notes: the music of which a part is made anew.")
    return Row(music, fill, _read_object(given.get("control", {}), "control", NAMES))


def _read_object(value: Any, name: str, keys: Sequence[str]) -> Mapping[str, Any]:
    """Return an object of a row that has no other than these keys."""
    if not isinstance(value, Mapping) or not set(value) <= set(keys):
        raise RequestError(f"{name} should be an object that has some of {', '.join(keys)}.")
    # what a data frame made arrays of are lists again
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in value.items()}


def _is_missing(value: Any) -> bool:
    """Return whether a cell of a data frame holds nothing."""
    return value is None or (isinstance(value, float) and math.isnan(value)) or value in ("", [])


def _from_midi(text: Any) -> Piece:
    """Return the piece of a MIDI file in base64."""
    from ostinato.music.reading import read_midi

    try:
        if not isinstance(text, str) or len(text) > LARGEST_MIDI * 4 // 3:
            raise ValueError(f"it should be text, of a file of at most {LARGEST_MIDI:,} bytes")
        content = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise RequestError(f"midi is no MIDI file in base64: {error}.") from error
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / PROMPT
        file.write_bytes(content)
        try:
            return read_midi(file)
        except UserError as error:
            raise RequestError(f"midi cannot be read: {error}.") from error


def _from_notes(notes: Any) -> Piece:
    """Return the piece of a list of notes, or of its JSON text; times are in quarter notes."""
    if isinstance(notes, str):
        try:
            notes = json.loads(notes)
        except (ValueError, RecursionError) as error:
            raise RequestError(f"notes is no JSON: {error}.") from error
    notes = list(notes) if isinstance(notes, list | tuple | np.ndarray) else None
    if notes is None or not 1 <= len(notes) <= MOST_NOTES:
        raise RequestError(f"notes should be a list of 1 to {MOST_NOTES:,} objects.")
    rows = [_read_note(note) for note in notes]
    columns = {name: [row[name] for row in rows] for name in FIELDS}
    columns["onset"], columns["duration"] = map(_to_ticks, (columns["onset"], columns["duration"]))
    columns["duration"] = [max(1, ticks) for ticks in columns["duration"]]
    tracks = max(columns["track"]) + 1
    piece = array(NOTE, velocity=LOUDNESS, **columns)
    return Piece("prompt", RESOLUTION, piece, track_names=("",) * int(tracks))


def _to_ticks(quarters: Iterable[float]) -> list[int]:
    """Return times in ticks, the nearest; halves of a tick go to the even one."""
    return [round(Fraction(value) * RESOLUTION) for value in quarters]


def _read_note(note: Any) -> dict[str, Any]:
    if not isinstance(note, Mapping) or not set(NEEDED) <= set(note) <= set(FIELDS):
        raise RequestError(
            "a note is an object with onset, duration and pitch, and a track where there are "
            'several, as {"onset": 0, "duration": 1, "pitch": 60}.'
        )
    found = {"track": 0, **note}
    for name, (low, high) in FIELDS.items():
        value = found[name]
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise RequestError(f"{name} of a note should be a number from {low} to {high:,}.")
        if name in ("pitch", "track") and value != int(value):
            raise RequestError(f"{name} of a note should be a whole number.")
        found[name] = int(value) if name in ("pitch", "track") else float(value)
    return found

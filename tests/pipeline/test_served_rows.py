"""What rows of a request ask a served model for, answered in this process."""

import base64
from pathlib import Path
from typing import Any

import pytest
import torch

from defaults import node_of
from ostinato.models.bundle import Bundle, build_network
from ostinato.music.piece import Piece
from ostinato.music.piece_defaults import PieceDefaults
from ostinato.music.reading import read_midi
from ostinato.music.writing import midi_bytes
from ostinato.serving import Composer, RequestError
from small_networks import config_of


@pytest.fixture
def composer() -> Composer:
    """A small model of four voices that was not trained, with a control."""
    config = config_of("voices")
    config.tree["model"]["voices"]["controls"]["names"] = ["density"]
    torch.manual_seed(0)
    network = build_network(config, config.build("representation")).eval()
    bundle = Bundle(config, config.build("representation"), network, PieceDefaults())
    short = {"max_bars": 4, "min_bars": 0, "candidates": 1, "particles": 4}
    plain = {k: v for k, v in short.items() if k != "particles"}
    return Composer(
        bundle, node_of("sampling=ancestral", **plain), node_of("sampling=infill", **short)
    )


def read(answer: dict[str, Any], folder: Path) -> Piece:
    file = folder / "answer.mid"
    file.write_bytes(base64.b64decode(answer["midi"], validate=True))
    return read_midi(file)


def in_base64(piece: Piece) -> str:
    return base64.b64encode(midi_bytes(piece)).decode("ascii")


def test_bars_of_the_music_are_made_anew_and_the_rest_comes_back(
    composer: Composer, short_chorales: list[Piece], tmp_path: Path
) -> None:
    piece = next(p for p in short_chorales if len(p.barlines()) > 4)
    first = int(piece.time_signatures["numerator"][0] < 4)  # a pickup is no bar
    rows = [{"midi": in_base64(piece), "fill": {"bars": [2, 3]}}]
    [answer] = composer.answer(rows, {"seed": 1})
    made = read(answer, tmp_path)
    begin, end = piece.barlines()[[1 + first, 3 + first]].tolist()
    names = ["onset", "duration", "pitch", "track"]

    def outside(one: Piece) -> list[Any]:
        notes = one.at_resolution(piece.resolution).notes
        kept = (notes["onset"] < begin) | (notes["onset"] >= end)
        return sorted(notes[kept][names].tolist())

    assert outside(made) == outside(piece)
    assert answer["notes"] == len(made.notes)
    assert composer.answer(rows, {"seed": 1}) == [answer]


def test_what_bars_shall_be_like_is_taken_by_the_row(composer: Composer) -> None:
    controls = composer.bundle.network.controls
    assert controls is not None
    with torch.no_grad():
        controls.percentiles[:] = torch.arange(101) / 10.0  # type: ignore[index, operator]
        controls.outputs[0].weight[8] += 5.0  # type: ignore[index, union-attr, operator]
    rows: list[dict[str, Any]] = [{"midi": "", "control": {"density": 0.99}}, {"midi": ""}]
    asked, _ = composer.answer(rows, {"seed": 3})
    plain, _ = composer.answer(rows[::-1], {"seed": 3})
    assert asked["midi"] != plain["midi"]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"midi": "", "fill": {"bars": [1, 2]}}, "fill needs midi or notes"),
        ({"fill": [1, 2]}, "fill should be an object that has some of bars, tracks"),
        ({"fill": {"measures": [1, 2]}}, "fill should be an object that has some of bars"),
        ({"fill": {"bars": [3, 2]}}, "bars=[3, 2] does not fit"),
        ({"fill": {"bars": [80, 90]}}, "the music cannot be filled in: as voices the piece"),
        ({"fill": {"bars": [1, 2]}, "control": {"density": 0.5}}, "sampling.control is not heeded"),
        ({"control": {"loudness": 0.5}}, "control should be an object that has some of density"),
        ({"control": {"pitch": 0.5}}, "sampling.control.pitch needs a model that was trained"),
        ({"control": {"density": 7}}, "it should be a number from 0 to 1, or a list of them"),
        ({"tempo": 90}, "tempo is unknown: a row has midi or notes"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_in_a_sentence(
    composer: Composer, short_chorales: list[Piece], row: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(RequestError) as refused:
        composer.answer([{"midi": in_base64(short_chorales[0])} | row], {})
    assert sentence in str(refused.value)
    assert "/tmp" not in str(refused.value)

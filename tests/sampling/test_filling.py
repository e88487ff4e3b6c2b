"""Given music comes back exactly, and only what is named is made anew."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from defaults import build
from ostinato.errors import UnencodableError
from ostinato.music.piece import NOTE, TIME_SIGNATURE, Piece
from ostinato.music.piece_defaults import PieceDefaults
from ostinato.music.reading import read
from ostinato.representations.monophonic import HOLD, REST
from ostinato.representations.voices import Voices
from ostinato.sampling import filling
from ostinato.sampling.filling import PartialPiece
from ostinato.sampling.settings import FillSampling

SETTING = PieceDefaults(96.0, 4, 4, (52, 52, 52, 52), ("Soprano", "Alto", "Tenor", "Bass"))
CORPORA = Path(__file__).parents[1] / "music"


def voices(**settings: Any) -> Voices:
    found: Voices = build("representation=voices", history=None, **settings)
    return found


def settings(**changed: Any) -> FillSampling:
    return build("sampling=infill", **{"bars": None, **changed})  # type: ignore[no-any-return]


def chorale(bars: int = 4, resolution: int = 12, tracks: int = 4, pickup: bool = False) -> Piece:
    """Quarter notes in every track, of different loudness; a pickup of one of them."""
    quarters = 4 * bars + pickup
    rows = [
        (n * resolution, resolution, 72 - 5 * track + n % 3, 60 + n, 19, False, track)
        for track in range(tracks)
        for n in range(quarters)
    ]
    signatures: list[tuple[int, int, int]] = [(0, 1, 4), (resolution, 4, 4)] if pickup else []
    return Piece(
        "chorale",
        resolution,
        np.array(rows, NOTE),
        time_signatures=np.array(signatures or [(0, 4, 4)], TIME_SIGNATURE),
        track_names=tuple(f"part {track}" for track in range(tracks)),
    )


def fill(task: PartialPiece, pitch: int = 50) -> np.ndarray[Any, Any]:
    """The tokens of a task with quarter notes of one pitch where something is unknown."""
    steps = np.arange(len(task.tokens))[:, None]
    made = np.where((steps % 4 == 0) | task.must_begin, pitch, HOLD)
    return np.where(task.known, task.tokens, made)


def finish(task: PartialPiece, representation: Voices) -> tuple[Piece, np.ndarray[Any, Any]]:
    piece, given = filling.finish(task, fill(task), representation, SETTING, "new")
    return piece, np.array(given)


@pytest.mark.parametrize("resolution", [4, 10, 12, 480])
@pytest.mark.parametrize("pickup", [False, True])
def test_two_bars_are_made_and_the_rest_comes_back(resolution: int, pickup: bool) -> None:
    piece, representation = chorale(resolution=resolution, pickup=pickup), voices()
    task = filling.prepare(piece, settings(bars=(2, 3)), representation)
    first = resolution * (4 + pickup)
    inside = (piece.notes["onset"] >= first) & (piece.notes["onset"] < first + 8 * resolution)
    new, given = finish(task, representation)
    scaled = piece.at_resolution(new.resolution)
    assert (new.notes[given] == scaled.notes[~inside]).all()
    made = new.notes[~given]
    assert len(made) == 4 * 8
    assert (made["pitch"] == 50).all()
    factor = new.resolution // resolution
    assert made["onset"].min() == first * factor
    assert (made["onset"] + made["duration"]).max() == (first + 8 * resolution) * factor
    assert set(made["program"]) == {19}  # that of the piece


def test_voices_are_made_to_a_melody_alone() -> None:
    melody, representation = chorale(tracks=1), voices()
    task = filling.prepare(melody, settings(tracks=(2, 3, 4)), representation)
    assert task.known[:, 0].all()
    assert not task.known[:, 1:].any()
    new, given = finish(task, representation)
    assert (new.notes[given] == melody.at_resolution(new.resolution).notes).all()
    assert set(new.notes["track"][~given]) == {1, 2, 3}
    assert set(new.notes["program"][~given]) == {52}  # the piece says nothing of these


def test_notes_of_a_range_and_single_notes_are_made_anew() -> None:
    piece, representation = chorale(), voices()
    high = filling.prepare(piece, settings(pitches=(70, 127)), representation)
    notes = piece.notes
    assert (high.given == ~(notes["pitch"] >= 70)).all()  # type: ignore[union-attr]
    assert (~high.known).sum() == 4 * (notes["pitch"] >= 70).sum()  # a quarter note is four steps
    one = filling.prepare(piece, settings(notes=(3,)), representation)
    assert np.flatnonzero(~one.given).tolist() == [2]  # type: ignore[operator]
    assert (~one.known).sum() == 4


def test_a_note_that_sounds_into_the_bars_stays() -> None:
    piece, representation = chorale(), voices()
    notes = piece.notes.copy()
    long = (notes["track"] == 0) & (notes["onset"] == 3 * 12)
    notes["duration"][long] = 24  # a quarter note into bar 2, where another begins
    notes = notes[~((notes["track"] == 0) & (notes["onset"] == 4 * 12))]
    held = replace(piece, notes=notes)
    task = filling.prepare(held, settings(bars=(2, 2)), representation)
    assert task.known[16:20, 0].all()
    assert not task.known[20:32, 0].any()
    assert task.must_begin[20, 0]
    new, given = finish(task, representation)
    kept = held.at_resolution(new.resolution).notes
    assert np.isin(new.notes[given], kept).all()


def test_nothing_given_is_a_piece_in_the_usual_setting() -> None:
    representation = voices()
    task = filling.from_nothing(32, representation)
    piece, given = filling.finish(task, fill(task), representation, SETTING, "new")
    assert not any(given)
    assert piece.tempos["qpm"][0] == 96.0
    assert piece.track_names == SETTING.track_names


def test_a_prompt_ends_with_its_bar() -> None:
    representation = voices()
    beginning = chorale(bars=2)
    notes = beginning.notes[beginning.notes["onset"] < 7 * 12]  # the last quarter is silent
    task = filling.from_prompt(replace(beginning, notes=notes), 0, 64, representation)
    assert task.known[:32].all()
    assert not task.known[32:].any()
    assert (task.tokens[28:32] == REST).all()


def test_a_prompt_of_another_metre_ends_with_its_own_bar() -> None:
    waltz = replace(
        chorale(bars=3), time_signatures=np.array([(0, 3, 4)], TIME_SIGNATURE)
    )  # twelve quarter notes are four bars of three
    task = filling.from_prompt(waltz.cropped(0, 9 * 12), 0, 64, voices())
    assert task.known[:36].all()
    assert not task.known[36:].any()


def test_given_notes_that_the_grid_does_not_hold_are_counted_and_stay() -> None:
    piece, representation = chorale(), voices()
    double = piece.notes[:1].copy()
    double["pitch"] += 7  # begins with another note of its track
    piece = replace(piece, notes=np.concatenate([piece.notes, double]))
    task = filling.prepare(piece, settings(bars=(2, 2)), representation)
    assert task.unseen == 1
    new, given = finish(task, representation)
    kept = piece.at_resolution(new.resolution).notes[task.given]
    assert (new.notes[given] == kept).all()


def test_single_notes_of_a_track_of_several_voices_are_refused() -> None:
    representation = voices(voices=4, by_track=(4,))
    with pytest.raises(UnencodableError, match="of which no single notes can be made anew"):
        filling.prepare(chorale(tracks=1), settings(pitches=(60, 72)), representation)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"bars": (3, 9)}, "has 4 bars and no bar 9"),
        ({"tracks": (5,)}, "has 4 tracks and no track 5"),
        ({"notes": (99,)}, "has 64 notes and no note 99"),
        ({"pitches": (0, 3)}, "has nothing to make where sampling says so"),
    ],
)
def test_what_is_not_there_is_refused(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnencodableError, match=reason):
        filling.prepare(chorale(), settings(**changed), voices())


def test_every_chorale_comes_back_when_bars_are_filled() -> None:
    """Real music: pickups, ties over barlines, fermatas; each third of Bach's chorales."""
    representation, seen = voices(), 0
    for path in sorted((Path(__file__).parents[2] / "data").rglob("*.mid"))[::40]:
        piece = next(iter(read(path)))
        try:
            task = filling.prepare(piece, settings(bars=(3, 4)), representation)
        except UnencodableError:
            continue
        new, given = finish(task, representation)
        kept = piece.at_resolution(new.resolution).notes[task.given]
        assert (new.notes[given] == kept).all(), path.name
        seen += 1
    if not seen:
        pytest.skip("no corpus in data/")

"""Piano-rolls show the notes that are there."""

import io
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ostinato.music import picture
from ostinato.music.piece import NOTE, Piece, array


def pixels(png: bytes) -> NDArray[np.float64]:
    """Red, green, blue from 0 to 1: (height, width, 3)."""
    import matplotlib.image

    image: NDArray[np.float64] = matplotlib.image.imread(io.BytesIO(png), format="png")
    return image[..., :3]


def coloured(image: NDArray[np.float64], track: int) -> NDArray[np.bool_]:
    """Which pixels have the colour of a track: (height, width)."""
    hue = picture.colour(track)
    wanted = np.array([int(hue[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    found: NDArray[np.bool_] = np.all(np.abs(image - wanted) < 0.01, axis=-1)
    return found


def random_band(tracks: int, bars: int) -> Piece:
    random = np.random.default_rng(3)
    size = tracks * bars * 2
    notes = array(
        NOTE,
        onset=random.integers(0, 16 * bars - 8, size),
        duration=random.integers(1, 8, size),
        pitch=random.integers(30, 90, size),
        velocity=random.integers(1, 128, size),
        track=np.arange(size) % tracks,
    )
    return Piece(f"{tracks} tracks", 4, notes)


def test_a_scale_rises_from_left_to_right() -> None:
    scale = [60, 62, 64, 65, 67, 69, 71, 72]
    notes = array(NOTE, onset=np.arange(8) * 4, duration=4, pitch=scale, velocity=80)
    shown = coloured(pixels(picture.piano_roll(Piece("scale", 4, notes))), 0)
    columns = np.flatnonzero(shown.any(0))
    heights = [int(np.flatnonzero(shown[:, x]).mean()) for x in columns]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == len(scale)


def test_each_voice_has_its_colour(bach: list[Piece]) -> None:
    piece = bach[3]
    image = pixels(picture.piano_roll(piece))
    assert image.shape == (500, 1600, 3)
    area = [int(coloured(image, track).sum()) for track in range(4)]
    assert all(pixels > 2000 for pixels in area)
    without_bass = replace(piece, notes=piece.notes[piece.notes["track"] < 3])
    assert coloured(pixels(picture.piano_roll(without_bass)), 3).sum() == 0


def test_voices_in_unison_are_both_seen() -> None:
    notes = array(NOTE, onset=0, duration=16, pitch=60, velocity=80, track=[0, 1])
    image = pixels(picture.piano_roll(Piece("unison", 4, notes)))
    upper, lower = (np.flatnonzero(coloured(image, track)[:, 800]) for track in (0, 1))
    assert len(upper) == pytest.approx(len(lower), abs=2)
    assert upper.max() < lower.min()


def test_soft_notes_are_paler_than_loud_ones() -> None:
    notes = array(NOTE, onset=[0, 8], duration=8, pitch=60, velocity=[20, 120])
    image = pixels(picture.piano_roll(Piece("x", 4, notes)))
    row = int(np.flatnonzero(coloured(image, 0).any(1)).mean())
    assert image[row, 400].sum() > image[row, 1200].sum() + 0.5


def test_drums_have_a_lane_of_their_own_below_the_pitches() -> None:
    notes = array(
        NOTE,
        onset=[0, 4, 8, 12],
        duration=2,
        pitch=[60, 42, 35, 42],
        velocity=80,
        drum=[False, True, True, True],
        track=[0, 1, 1, 1],
    )
    rows, sounds = picture.rows(Piece("x", 4, notes))
    assert sounds == [35, 42]
    assert rows.tolist() == [60, 58, 57, 58]


@pytest.mark.parametrize(
    "piece",
    [
        Piece("silence", 4, np.zeros(0, NOTE)),
        Piece("one note", 4, array(NOTE, onset=0, duration=1, pitch=0, velocity=1)),
        Piece("drum", 4, array(NOTE, onset=0, duration=1, pitch=36, velocity=1, drum=True)),
        Piece("$a_b$ \\x {", 4, array(NOTE, onset=[0, 1], duration=1, pitch=127, velocity=1)),
        replace(random_band(2, 4), track_names=("_hidden", "$x^$")),
        random_band(20, 30),
    ],
    ids=lambda piece: piece.name,
)
def test_any_piece_can_be_drawn(piece: Piece) -> None:
    assert pixels(picture.piano_roll(piece)).shape == (500, 1600, 3)


def test_a_long_piece_is_wide_but_not_endless() -> None:
    assert pixels(picture.piano_roll(random_band(2, 1000))).shape == (500, 4800, 3)


def test_several_pieces_stand_one_below_the_other(bach: list[Piece]) -> None:
    image = pixels(picture.piano_roll(*bach[:3], title="three", height=300))
    assert image.shape == (900, 1600, 3)
    for third in np.split(image, 3):
        assert coloured(third, 0).any()


def test_the_same_piece_gives_the_same_picture(bach: list[Piece]) -> None:
    first = picture.piano_roll(bach[0])
    picture.piano_roll(bach[1])
    assert picture.piano_roll(bach[0]) == first
    assert b"Software" not in first


def test_eighteen_tracks_have_eighteen_colours() -> None:
    assert len({picture.colour(track) for track in range(18)}) == 18


@pytest.mark.parametrize("bars", [1, 25, 26, 120, 1000, 99_999])
def test_at_most_25_bars_are_numbered(bars: int) -> None:
    long = Piece("long", 1, array(NOTE, onset=0, duration=4 * bars, pitch=60))
    labels = picture.bar_labels(long)
    assert len(labels) <= 25
    assert bars <= 25 or len(labels) >= 10
    assert all(label == str(tick // 4 + 1) for tick, label in labels.items() if tick)

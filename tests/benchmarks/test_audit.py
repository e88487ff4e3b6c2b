"""A test piece leaks if training holds most of it, in any key where it is a chorale."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from audit import audit, shared_frames, shared_melody

from defaults import build
from ostinato.music.piece import NOTE, Piece, array

RNG = np.random.default_rng(5)
CHORALE = RNG.integers(60, 80, 40)
OTHER = RNG.integers(60, 80, 40)


def tune(name: str, pitches: np.ndarray, bass: int = 40) -> Piece:
    """A melody in quarter notes over a bass that stays."""
    onset = np.tile(np.arange(len(pitches)), 2)
    both = np.concatenate([pitches, np.full(len(pitches), bass)])
    return Piece(name, 1, array(NOTE, onset=onset, duration=1, pitch=both, velocity=64))


def found(corpus: str, training: list[np.ndarray], test: np.ndarray, **bass: int) -> float:
    """The share of the frames of one test piece that is covered."""
    pieces = [tune(f"train/{i:03d}", pitches) for i, pitches in enumerate(training)]
    result = audit(corpus, 1, [*pieces, tune("test/000", test, **bass)])
    return float(result.covered[0] / result.frames[0])


def test_music_of_its_own_is_not_covered() -> None:
    assert found("jsb", [CHORALE], OTHER) == 0
    assert found("nottingham", [CHORALE], OTHER) == 0


def test_a_melody_is_known_in_any_key_and_over_any_bass() -> None:
    assert found("jsb", [OTHER, CHORALE], CHORALE + 3, bass=30) == 1
    assert found("nottingham", [OTHER, CHORALE], CHORALE + 3) == 0


def test_whole_frames_are_known_only_as_they_are() -> None:
    assert found("nottingham", [OTHER, CHORALE], CHORALE) == 1
    assert found("nottingham", [OTHER, CHORALE], CHORALE, bass=30) == 0


@pytest.mark.parametrize("corpus", ["jsb", "nottingham"])
@pytest.mark.parametrize(("shared", "covered"), [(15, 0), (16, 16), (25, 25)])
def test_sixteen_frames_are_a_stretch(corpus: str, shared: int, covered: int) -> None:
    mixed = np.concatenate([OTHER[:7], CHORALE[5 : 5 + shared], OTHER[7:20]])
    assert found(corpus, [CHORALE], mixed) == covered / len(mixed)


def test_more_than_half_makes_a_leak_and_copies_are_counted() -> None:
    half = np.concatenate([CHORALE[:20], OTHER[:20]])
    more = np.concatenate([CHORALE[:21], OTHER[:19]])
    tunes = {"train/000": CHORALE, "test/000": CHORALE, "test/001": half, "test/002": more}
    result = audit("nottingham", 1, [tune(name, pitches) for name, pitches in tunes.items()])
    assert result.leaked == {"test/000", "test/002"}
    assert result.figures() == {
        "pieces": 3,
        "leaked": 2,
        "duplicates": 1,
        "frames": 120,
        "covered": 40 + 20 + 21,
    }


def test_silence_is_part_of_a_melody_but_none_by_itself() -> None:
    rest = np.zeros((20, 128), np.bool_)
    sung = np.zeros((20, 128), np.bool_)
    sung[np.arange(0, 20, 2), np.arange(60, 80, 2)] = True
    assert not shared_melody([rest], [rest], 16)[0].any()
    assert shared_melody([np.roll(sung, 5, axis=1)], [sung], 16)[0].all()
    filled = sung.copy()
    filled[1::2, 60] = True
    assert not shared_melody([filled], [sung], 16)[0].any()


def test_pieces_shorter_than_a_stretch_share_nothing() -> None:
    short = np.eye(10, 128, dtype=np.bool_)
    for shared in (shared_frames, shared_melody):
        [mask] = shared([short], [short], 16)
        assert mask.tolist() == [False] * 10


@pytest.mark.parametrize(
    ("corpus", "file", "steps", "expected"),
    [
        (
            "jsb",
            "JSB_Chorales.mat",
            1,
            {"pieces": 77, "leaked": 36, "duplicates": 0, "frames": 4725, "covered": 2030},
        ),
        (
            "nottingham",
            "Nottingham.mat",
            2,
            {"pieces": 170, "leaked": 5, "duplicates": 1, "frames": 44463, "covered": 2248},
        ),
    ],
)
def test_the_published_splits_leak(
    corpus: str, file: str, steps: int, expected: dict[str, int], published: Callable[[str], Path]
) -> None:
    source = build(
        "corpus=jsb.source",
        address="",
        steps_per_quarter=steps,
        path=str(published(file)),
        sha256=None,
    )
    assert audit(corpus, steps, source.pieces()).figures() == expected

"""The published arrays, on the files themselves: nothing is lost on the way to pieces."""

import pickle
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpus_reading import read
from numpy.typing import NDArray

from defaults import build
from ostinato.config import Config, compose
from ostinato.corpora.sources.published import (
    LOWEST,
    PianoRolls,
    Published,
    SeparatedVoices,
    object_arrays,
)
from ostinato.errors import UserError
from ostinato.music.piece import Piece

CONF = Path(__file__).parents[3] / "conf"
FILES = {
    "jsb": "JSB_Chorales.mat",
    "nottingham": "Nottingham.mat",
    "jsb16": "Jsb16thSeparated.npz",
}
SIZES = {"jsb": [229, 76, 77], "nottingham": [694, 173, 170], "jsb16": [229, 76, 77]}

Fetched = tuple[Published, dict[str, Piece]]


def source(name: str, *overrides: str) -> Published:
    config: Config = compose([f"corpus={name}", *overrides], CONF)
    built: Published = config.build("corpus").source
    return built


def fetched(name: str, file: Path, folder: Path) -> Fetched:
    """The source, and its pieces as they are after fetch and preprocess."""
    of_file = source(name, f"corpus.source.path={file}")
    of_file.write(folder, 1)
    corpus = build("corpus=_base", name=name, path=f"data/{name}")
    return of_file, read(folder, corpus)[0]


@pytest.fixture(scope="session")
def corpora(
    published: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Fetched]:
    kept: dict[str, Fetched] = {}

    def corpus(name: str) -> Fetched:
        if name not in kept:
            kept[name] = fetched(name, published(FILES[name]), tmp_path_factory.mktemp(name))
        return kept[name]

    return corpus


def roll(piece: Piece, track: int | None, ticks: int) -> NDArray[np.bool_]:
    """Which pitches sound in each step: (time, 128); nothing may lie between the steps."""
    notes = piece.notes if track is None else piece.track(track)
    out = np.zeros((piece.end // ticks, 128), bool)
    for note in notes:
        start, rest = divmod(note["onset"], ticks)
        steps, more = divmod(note["duration"], ticks)
        assert rest == more == 0
        assert not out[start : start + steps, note["pitch"]].any(), "two notes at once"
        out[start : start + steps, note["pitch"]] = True
    return out


@pytest.mark.parametrize("name", FILES)
def test_every_part_is_as_large_as_published(name: str, corpora: Callable[[str], Fetched]) -> None:
    of_file, pieces = corpora(name)
    assert [len(arrays) for arrays in of_file.arrays().values()] == SIZES[name]
    parts = Counter(piece.partition("/")[0] for piece in pieces)
    assert [parts[part] for part in ("train", "validation", "test")] == SIZES[name]


@pytest.mark.parametrize(("name", "cut"), [("jsb", 0), ("nottingham", 2)])
def test_piano_rolls_are_the_same_after_midi(
    name: str, cut: int, corpora: Callable[[str], Fetched]
) -> None:
    of_file, pieces = corpora(name)
    shorter = 0
    for part, arrays in of_file.arrays().items():
        for number, steps in enumerate(arrays):
            piece = pieces[f"{part}/{number:03d}"]
            ours = roll(piece, None, piece.resolution // of_file.steps_per_quarter)
            keys = steps.astype(bool)
            shorter += len(ours) < len(keys)
            assert not keys[len(ours) :].any()
            assert np.array_equal(ours[:, LOWEST : LOWEST + 88], keys[: len(ours)])
            assert ours.sum() == keys.sum()
    assert shorter == cut


def test_voices_are_the_same_after_midi(corpora: Callable[[str], Fetched]) -> None:
    of_file, pieces = corpora("jsb16")
    for part, arrays in of_file.arrays().items():
        for number, steps in enumerate(arrays):
            piece = pieces[f"{part}/{number:03d}"]
            assert piece.track_names == ("Soprano", "Alto", "Tenor", "Bass")
            for voice in range(4):
                ours = roll(piece, voice, piece.resolution // 4)
                assert len(ours) == len(steps)
                sounding = ~np.isnan(steps[:, voice])
                assert np.array_equal(ours.any(axis=1), sounding)
                assert np.array_equal(ours.argmax(axis=1)[sounding], steps[sounding, voice])


def intervals(rows: list[list[int]]) -> list[tuple[int, ...]]:
    return [tuple(np.diff(sorted(set(row)))) for row in rows]


def test_chorales_of_jsb_are_those_of_jsb16_at_quarter_notes_in_another_key(
    corpora: Callable[[str], Fetched],
) -> None:
    """So one step of JSB is a quarter note, and both have the same parts."""
    (rolls, _), (voices, _) = corpora("jsb"), corpora("jsb16")
    for part, arrays in rolls.arrays().items():
        others = [
            intervals([[int(p) for p in row if p == p] for row in steps[::4]])
            for steps in voices.arrays()[part]
        ]
        found = 0
        for steps in arrays:
            chords = intervals([np.flatnonzero(row).tolist() for row in steps])
            alike = [
                sum(ours == theirs for ours, theirs in zip(chords, other, strict=True))
                for other in others
                if len(other) == len(chords)
            ]
            found += max(alike, default=0) > 0.8 * len(chords)
        assert found > 0.9 * len(arrays), part


@pytest.mark.parametrize("kind", [PianoRolls, SeparatedVoices])
@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x05\x06" + bytes(18)])
def test_a_file_of_another_kind_is_named(kind: Any, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "rolls.mat"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"rolls\.mat cannot be read as Bach\.mat"):
        kind(
            "https://host/Bach.mat", 1, path=str(file), sha256=None, licence="", citation=""
        ).arrays()


class Evil:
    def __reduce__(self) -> Any:
        return print, ("run",)


def test_a_file_that_carries_code_does_not_run_it(tmp_path: Path, capfd: Any) -> None:
    evil = np.empty(1, object)
    evil[0] = Evil()
    np.savez(tmp_path / "evil.npz", train=evil)
    with pytest.raises(pickle.UnpicklingError, match=r"builtins\.print"):
        object_arrays(tmp_path / "evil.npz", "train")
    assert "run" not in capfd.readouterr().out


def test_arrays_that_this_python_writes_are_read(tmp_path: Path) -> None:
    arrays = np.empty(2, object)
    arrays[:] = [np.array([[60.0, np.nan, 52, 48]]), np.zeros((2, 4))]
    np.savez(tmp_path / "new.npz", train=arrays)
    read = object_arrays(tmp_path / "new.npz", "train")
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(read, arrays, strict=True))


def test_a_file_that_is_not_the_published_one_is_refused(
    published: Callable[[str], Path], tmp_path: Path
) -> None:
    other = tmp_path / "JSB_Chorales.mat"
    other.write_bytes(published("Nottingham.mat").read_bytes())
    with pytest.raises(UserError, match="is not the file that was published"):
        source("jsb", f"corpus.source.path={other}").arrays()
    unchecked = source("jsb", f"corpus.source.path={other}", "corpus.source.sha256=null")
    assert len(unchecked.arrays()["train"]) == 694


def test_an_archive_without_the_parts_says_so(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("other.npy", b"")
    with pytest.raises(UserError, match=r"There is no item named 'train\.npy'"):
        build(
            "corpus=jsb16.source",
            address="https://host/a.npz",
            steps_per_quarter=4,
            path=str(tmp_path / "a.npz"),
            sha256=None,
        ).arrays()

"""What is encoded to disk comes back as it was."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from defaults import build
from ostinato.data.store import write_store
from ostinato.data.windows import gather
from ostinato.music.piece import NOTE, Piece, array
from small_networks import REPRESENTATIONS, store_of

SILENT = Piece("silent", 4, np.zeros(0, NOTE), track_names=("a", "b", "c", "d"))


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_every_piece_comes_back_as_it_was_encoded(
    name: str, short_chorales: list[Piece], tmp_path: Path
) -> None:
    representation, pieces = REPRESENTATIONS[name], short_chorales[:12]
    store = store_of(pieces, representation, tmp_path / "tokens")
    assert store.skipped == {}
    assert store.names == [piece.name for piece in pieces]
    for i, piece in enumerate(pieces):
        tokens = representation.encode(piece)
        if representation.end is not None:
            tokens = np.concatenate([[representation.end], tokens, [representation.end]])
        assert np.array_equal(store.piece(i), tokens)
        part = slice(store.offsets[i], store.offsets[i + 1])
        assert np.array_equal(store.positions[part], representation.positions(tokens))
        assert store.quarters[i] == piece.quarters
        assert store.lowest[i] == piece.notes["pitch"].min()
        assert store.highest[i] == piece.notes["pitch"].max()


def test_pieces_that_cannot_be_held_are_skipped_with_the_reason(
    short_chorales: list[Piece], tmp_path: Path
) -> None:
    pieces = [short_chorales[0], SILENT, short_chorales[1]]
    store = store_of(pieces, build("representation=voices"), tmp_path / "tokens")
    assert store.names == [short_chorales[0].name, short_chorales[1].name]
    assert store.skipped == {"silent": "has no notes"}
    assert np.array_equal(
        store.piece(1)[1:-1], build("representation=voices").encode(short_chorales[1])
    )


def test_pieces_are_found_by_name(short_chorales: list[Piece], tmp_path: Path) -> None:
    store = store_of(
        [SILENT, *short_chorales[:3]], build("representation=voices"), tmp_path / "tokens"
    )
    wanted = [short_chorales[2].name, "silent", "unknown", short_chorales[0].name]
    assert store.indices(wanted).tolist() == [2, 0]


def test_tokens_stay_on_disk_until_they_are_read(
    short_chorales: list[Piece], tmp_path: Path
) -> None:
    store = store_of(short_chorales[:2], build("representation=voices"), tmp_path / "tokens")
    assert isinstance(store.steps, np.memmap)
    assert isinstance(store.positions, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        store.steps[0] = 1


def test_a_representation_that_fits_no_piece_gives_an_empty_store(
    short_chorales: list[Piece], tmp_path: Path
) -> None:
    store = store_of(
        short_chorales[:3], build("representation=voices", voices=3), tmp_path / "tokens"
    )
    assert store.names == []
    assert len(store.skipped) == 3
    assert len(store.indices(store.skipped)) == 0


def test_drums_do_not_limit_transposition(tmp_path: Path) -> None:
    notes = array(
        NOTE, onset=[0, 0], duration=1, pitch=[60, 1], velocity=80, drum=[False, True], track=[0, 1]
    )
    store = store_of([Piece("a", 4, notes)], build("representation=pitch"), tmp_path / "tokens")
    assert (store.lowest[0], store.highest[0]) == (60, 60)


def test_the_same_pieces_give_the_same_bytes(short_chorales: list[Piece], tmp_path: Path) -> None:
    for name in ("one", "two"):
        store_of(short_chorales[:4], build("representation=voices"), tmp_path / name)
    assert len(files_of(tmp_path / "one")) == 4
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


@pytest.mark.parametrize("velocity", [False, True], ids=["binary", "velocity"])
def test_frames_are_kept_and_gathered_as_they_are(
    velocity: bool, short_chorales: list[Piece], tmp_path: Path
) -> None:
    roll, pieces = (
        build("representation=pianoroll", onsets=True, velocity=velocity),
        short_chorales[:3],
    )
    store = store_of(pieces, roll, tmp_path / "frames")
    on_disk = (tmp_path / "frames" / "steps.bin").stat().st_size
    assert on_disk == len(store.steps) * roll.size // (1 if velocity else 8)
    assert store.steps.shape[1:] == (roll.size,)
    for i, piece in enumerate(pieces):
        assert not store.piece(i)[0].any()
        assert np.array_equal(store.piece(i)[1:], roll.encode(piece))
        bar = roll.position_features["step"]
        part = slice(store.offsets[i], store.offsets[i + 1])
        assert np.array_equal(store.positions[part, 0], np.arange(part.stop - part.start) % bar)
    starts = store.offsets[:-1] + 5
    frames, positions, real = gather(store, starts, store.offsets[1:], 8)
    assert frames.shape == (3, 9, roll.size)
    for row, start in enumerate(starts):
        assert np.array_equal(frames[row], store.steps[start : start + 9])
        assert np.array_equal(positions[row], store.positions[start : start + 8])
    assert real.all()


def test_an_encoding_that_was_stopped_goes_on(short_chorales: list[Piece], tmp_path: Path) -> None:
    parts = [short_chorales[:4], short_chorales[4:8], short_chorales[8:9]]

    class Stopping(list[Piece]):
        def __iter__(self) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_store(
            [parts[0], Stopping(), parts[2]], build("representation=voices"), tmp_path / "stopped"
        )
    assert not (tmp_path / "stopped").exists()
    done: list[float] = []
    rest = [Stopping(), *parts[1:]]  # the first part is not read again
    write_store(rest, build("representation=voices"), tmp_path / "stopped", advance=done.append)
    write_store(parts, build("representation=voices"), tmp_path / "whole")
    assert done == [2, 3]
    assert files_of(tmp_path / "stopped") == files_of(tmp_path / "whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["stopped", "whole"]


def test_processes_do_not_change_the_bytes(short_chorales: list[Piece], tmp_path: Path) -> None:
    parts = [short_chorales[i : i + 4] for i in range(0, 20, 4)]
    for processes in (1, 2):
        workers = build("preprocess=loky", processes=processes)
        write_store(parts, build("representation=event"), tmp_path / f"{processes}", workers)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2")


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}

"""What is encoded to disk comes back as it was."""

from pathlib import Path

import numpy as np
import pytest

from ostinato.music.piece import NOTE, Piece, array
from ostinato.representations.pitch import Pitch
from ostinato.representations.voices import Voices
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
    store = store_of(pieces, Voices(), tmp_path / "tokens")
    assert store.names == [short_chorales[0].name, short_chorales[1].name]
    assert store.skipped == {"silent": "has no notes"}
    assert np.array_equal(store.piece(1)[1:-1], Voices().encode(short_chorales[1]))


def test_pieces_are_found_by_name(short_chorales: list[Piece], tmp_path: Path) -> None:
    store = store_of([SILENT, *short_chorales[:3]], Voices(), tmp_path / "tokens")
    wanted = [short_chorales[2].name, "silent", "unknown", short_chorales[0].name]
    assert store.indices(wanted).tolist() == [2, 0]


def test_tokens_stay_on_disk_until_they_are_read(
    short_chorales: list[Piece], tmp_path: Path
) -> None:
    store = store_of(short_chorales[:2], Voices(), tmp_path / "tokens")
    assert isinstance(store.steps, np.memmap)
    assert isinstance(store.positions, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        store.steps[0] = 1


def test_a_representation_that_fits_no_piece_gives_an_empty_store(
    short_chorales: list[Piece], tmp_path: Path
) -> None:
    store = store_of(short_chorales[:3], Voices(voices=3), tmp_path / "tokens")
    assert store.names == []
    assert len(store.skipped) == 3
    assert len(store.indices(store.skipped)) == 0


def test_drums_do_not_limit_transposition(tmp_path: Path) -> None:
    notes = array(
        NOTE, onset=[0, 0], duration=1, pitch=[60, 1], velocity=80, drum=[False, True], track=[0, 1]
    )
    store = store_of([Piece("a", 4, notes)], Pitch(), tmp_path / "tokens")
    assert (store.lowest[0], store.highest[0]) == (60, 60)


def test_the_same_pieces_give_the_same_bytes(short_chorales: list[Piece], tmp_path: Path) -> None:
    for name in ("one", "two"):
        store_of(short_chorales[:4], Voices(), tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(files) == 4
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()

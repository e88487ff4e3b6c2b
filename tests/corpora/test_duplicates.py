from dataclasses import replace

import numpy as np
import pytest
from tunes import melody

from ostinato.corpora import duplicates
from ostinato.corpora.duplicates import AlikeIndex, groups, is_comparable
from ostinato.music.piece import Piece


def names(pieces: list[Piece]) -> list[set[str]]:
    return [{pieces[i].name for i in group} for group in groups(pieces) if len(group) > 1]


def test_a_transposed_copy_is_alike_and_strangers_are_not(bach: list[Piece]) -> None:
    strangers = [melody(f"stranger {seed}", seed) for seed in range(30)]
    for piece in bach[:10]:
        copy = replace(piece.transposed(3), name="copy")
        assert names([*strangers, piece, copy]) == [{piece.name, "copy"}]


def test_most_of_a_piece_is_alike(bach: list[Piece]) -> None:
    piece = bach[0]
    part = replace(piece.cropped(piece.end // 3, piece.end), name="part")
    assert names([piece, part]) == [{piece.name, "part"}]


def test_another_resolution_is_alike() -> None:
    piece = melody("tune", 1)
    assert len(groups([piece, piece.at_resolution(480)])) == 1


def test_settings_of_a_hymn_tune_are_one_group(bach: list[Piece]) -> None:
    found = names(bach)
    passion = {"bwv135.6", "bwv153.5", "bwv161.6", "bwv244.15", "bwv244.44", "bwv244.54"}
    assert any(passion <= group for group in found)


def test_the_chorales_do_not_chain_into_one_giant_group(bach: list[Piece]) -> None:
    sizes = [len(group) for group in names(bach)]
    assert 180 < sum(sizes) < 250
    assert max(sizes) <= 15


def test_a_hundred_copies_are_one_group() -> None:
    tune = melody("tune", 1)
    pieces = [melody(f"other {seed}", seed) for seed in range(2, 30)] + [tune] * 100
    assert sorted(map(len, groups(pieces)))[-2:] == [1, 100]


def test_short_and_monotonous_tracks_are_like_nothing() -> None:
    short = melody("short", 1, notes=15)
    drone = melody("drone", 2)
    drone.notes["pitch"] = 60
    assert groups([short, short, drone, drone]) == [[0], [1], [2], [3]]


def test_no_pieces_make_no_groups() -> None:
    assert groups([]) == []
    empty = replace(melody("empty", 1), notes=melody("empty", 1).notes[:0])
    assert groups([empty]) == [[0]]


def test_every_piece_is_in_one_group(bach: list[Piece]) -> None:
    members = np.concatenate([np.array(group) for group in groups(bach)])
    assert sorted(members.tolist()) == list(range(len(bach)))


def test_a_sample_of_the_ngrams_finds_the_same_copies(
    bach: list[Piece], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a corpus too large to compare every n-gram."""
    pieces = bach[:120] + [piece.transposed(1) for piece in bach[:120]]
    whole = duplicates.groups(pieces)
    monkeypatch.setattr(duplicates, "MOST", 20_000)
    sampled = duplicates.groups(pieces)
    together = {member: number for number, group in enumerate(sampled) for member in group}
    assert all(together[i] == together[i + 120] for i in range(120))
    alike = [group for group in whole if len(group) > 2]
    kept = [group for group in alike if len({together[member] for member in group}) == 1]
    assert len(kept) >= 0.8 * len(alike) > 10
    assert max(map(len, sampled)) <= 2 * max(map(len, whole))


def test_a_transposed_copy_is_found_among_others_and_a_stranger_is_not(bach: list[Piece]) -> None:
    index = AlikeIndex(bach)
    assert index.find(melody("stranger", 1)) is None
    for place in range(0, len(bach), 40):
        found = index.find(bach[place].transposed(3))
        assert found is not None
        # the first of those that are alike, of which the piece itself may be a later one
        assert {found, place} <= set(next(g for g in groups(bach) if place in g))


def test_the_index_finds_all_that_groups_find_in_pairs(bach: list[Piece]) -> None:
    for first in range(0, len(bach) - 1, 25):
        alike = len(groups(bach[first : first + 2])) == 1
        assert (AlikeIndex([bach[first]]).find(bach[first + 1]) is not None) == alike


def test_nothing_is_found_in_nothing_and_short_tunes_cannot_be_compared() -> None:
    assert AlikeIndex([]).find(melody("tune", 1)) is None
    short = melody("short", 1, notes=12)
    assert AlikeIndex([short]).find(short) is None
    assert not is_comparable(short)
    assert is_comparable(melody("tune", 1))


def test_the_index_finds_copies_where_only_a_sample_is_in_memory(
    bach: list[Piece], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "MOST", 1 << 14)
    index = AlikeIndex(bach)
    assert index.every > 1
    assert index.find(bach[100].transposed(-2)) is not None

import json
import re
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tunes import melody

from defaults import build
from ostinato.corpora import duplicates
from ostinato.corpora.parts import PARTS
from ostinato.corpora.splitting import (
    FolderSplit,
    PredefinedSplit,
    Splitting,
    _fill,
    _sizes,
)
from ostinato.corpora.store import PieceStore
from ostinato.errors import UserError
from ostinato.music.piece import Piece
from piece_stores import write_store


@pytest.fixture(scope="session")
def ten(tmp_path_factory: pytest.TempPathFactory) -> PieceStore:
    """Ten tunes: 0 to 9."""
    folder = tmp_path_factory.mktemp("ten")
    write_store(((str(i), melody(str(i), i)) for i in range(10)), folder)
    return PieceStore(folder)


def parts(split: Splitting, pieces: PieceStore) -> Any:
    return split.divide(pieces).as_json()


def test_every_chorale_is_in_one_part_and_the_sizes_are_met(bach_store: PieceStore) -> None:
    result = parts(build("split=random"), bach_store)
    assert [len(result[part]) for part in PARTS] == [326, 41, 41]
    assert sorted(name for part in PARTS for name in result[part]) == sorted(bach_store.names)


def test_settings_of_one_tune_never_stand_on_two_sides(
    bach: list[Piece], bach_store: PieceStore
) -> None:
    side = {
        name: part
        for part, names in build("split=random", seed=7).divide(bach_store).parts.items()
        for name in names
    }
    for group in duplicates.groups(bach):
        assert len({side[bach[i].name] for i in group}) == 1


def test_the_seed_decides(bach_store: PieceStore) -> None:
    assert parts(build("split=random"), bach_store) == parts(
        build("split=random", seed=42), bach_store
    )
    assert parts(build("split=random", seed=1), bach_store) != parts(
        build("split=random", seed=2), bach_store
    )


def test_the_order_of_the_pieces_does_not_matter(tmp_path: Path) -> None:
    tunes = [(str(i), melody(str(i), i)) for i in range(20)]
    write_store(tunes, tmp_path / "up")
    write_store(reversed(tunes), tmp_path / "down")
    split = build("split=random")
    assert parts(split, PieceStore(tmp_path / "up")) == parts(split, PieceStore(tmp_path / "down"))


def test_a_split_without_grouping_counts_no_groups(bach_store: PieceStore) -> None:
    plain = build("split=random", train=0.8, validation=0, test=0.2, group_alike=False)
    result = parts(plain, bach_store)
    assert [len(result[part]) for part in PARTS] == [326, 0, 82]
    assert result["groups"] == {"grouped_pieces": 0, "groups": 0, "largest": 0}


@settings(max_examples=200)
@given(
    sizes=st.lists(st.integers(1, 12), min_size=3, max_size=40),
    seed=st.integers(0, 1000),
)
def test_no_part_that_was_asked_for_stays_empty(sizes: list[int], seed: int) -> None:
    groups = [[f"{i}-{j}" for j in range(size)] for i, size in enumerate(sizes)]
    fractions = {"train": 0.8, "validation": 0.1, "test": 0.1}
    filled = _fill(groups, fractions, np.random.default_rng(seed))
    assert all(filled[part] for part in PARTS)
    assert sorted(chain(*filled.values())) == sorted(chain(*groups))
    if sizes.count(1) >= sum(sizes) / 2:
        wanted = _sizes(sum(sizes), fractions)
        assert all(abs(len(filled[part]) - wanted[part]) <= max(sizes) for part in PARTS)


def test_too_few_pieces_say_so(tmp_path: Path) -> None:
    write_store([(str(i), melody(str(i), i)) for i in range(2)], tmp_path)
    with pytest.raises(UserError, match="2 pieces cannot be split into train, validation, test"):
        build("split=random").divide(PieceStore(tmp_path))
    result = parts(build("split=random", train=0.5, validation=0, test=0.5), PieceStore(tmp_path))
    assert len(result["train"]) == len(result["test"]) == 1


@pytest.mark.parametrize(("tunes", "copies"), [(1, 1), (1, 2), (2, 1), (1, 5), (2, 2)])
@pytest.mark.parametrize("plain", [True, False])
def test_what_is_said_of_too_few_pieces_works(
    tunes: int, copies: int, plain: bool, tmp_path: Path
) -> None:
    few = [(f"{i}-{j}", melody(f"{i}-{j}", i)) for i in range(tunes) for j in range(copies)]
    write_store(few, tmp_path)
    pieces = PieceStore(tmp_path)
    split = (
        build("split=random", train=0.8, validation=0, test=0.2) if plain else build("split=random")
    )
    try:
        split.divide(pieces)
    except UserError as error:
        advice = str(error).partition("or say ")[2]
        words = re.findall(r"split\.(\w+)=([\w.]*\w)", advice)
        split = replace(split, **{name: json.loads(value) for name, value in words})
        assert words
    assert sum(len(names) for names in split.divide(pieces).parts.values()) == len(few)


def test_a_corpus_of_one_tune_cannot_be_split(tmp_path: Path) -> None:
    copies = [(str(i), melody(str(i), 1)) for i in range(10)]
    write_store(copies, tmp_path)
    with pytest.raises(UserError, match="those that are alike stay together, which leaves 1"):
        build("split=random").divide(PieceStore(tmp_path))


@pytest.mark.parametrize(
    "fractions", [{"train": 0.9}, {"train": 0, "validation": 0.5, "test": 0.5}]
)
def test_fractions_must_sum_to_one_and_leave_something_to_train_on(
    fractions: dict[str, float],
) -> None:
    with pytest.raises(ValueError, match="must be"):
        build("split=random", **fractions)


def predefined(folder: Path, content: Any) -> PredefinedSplit:
    file = folder / "split.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return PredefinedSplit(str(file))


def test_a_predefined_split_is_kept(ten: PieceStore, tmp_path: Path, capfd: Any) -> None:
    split = predefined(tmp_path, {"train": ["3", "1"], "test": ["2"]})
    result = parts(split, ten)
    assert [result[part] for part in PARTS] == [["1", "3"], [], ["2"]]
    assert "7 pieces" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"train": ["1", "eleven"]}, "1 piece that is not in the corpus: eleven"),
        ({"train": ["1", "2"], "test": ["2"]}, "1 piece more than once: 2"),
        ({"train": "1"}, "each a list of names"),
        (["1"], "each a list of names"),
        ("{", "is not JSON"),
    ],
)
def test_a_predefined_split_that_cannot_be_says_why(
    ten: PieceStore, tmp_path: Path, content: Any, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        predefined(tmp_path, content).divide(ten)


def test_a_missing_split_file_is_named(ten: PieceStore) -> None:
    with pytest.raises(UserError, match=r"split\.file=nowhere\.json cannot be read"):
        PredefinedSplit("nowhere.json").divide(ten)


def test_folders_are_the_parts_of_a_published_corpus(tmp_path: Path) -> None:
    names = ["train/0", "train/deep/1", "test/0"]
    write_store(((name, melody(name, i)) for i, name in enumerate(names)), tmp_path)
    result = parts(FolderSplit(), PieceStore(tmp_path))
    assert [result[part] for part in PARTS] == [names[:2], [], names[2:]]


def test_a_corpus_without_such_folders_has_no_published_split(ten: PieceStore) -> None:
    with pytest.raises(UserError, match=r"10 pieces are not: 0, 1, 2, 3, 4, …\. This corpus has"):
        FolderSplit().divide(ten)

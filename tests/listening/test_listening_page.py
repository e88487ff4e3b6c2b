"""The page of a listening test hides every name, needs no network, and is the same again."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from sample_folders import Samples

from ostinato.listening.building import ListeningTest, build_test
from ostinato.listening.pairs import pair_systems
from ostinato.listening.sound import LOUDNESS, level, record
from ostinato.listening.systems import System, read_system, unique_names
from ostinato.music import sound
from ostinato.music.piece import Piece


@pytest.fixture
def systems(samples: Samples, short_chorales: list[Piece]) -> list[System]:
    folders = [samples("lstm", short_chorales[:2]), samples("gru", short_chorales[2:4])]
    return [read_system(folder, str(folder)) for folder in folders]


def build(systems: list[System], seed: int = 0) -> ListeningTest:
    return build_test(systems, pair_systems(systems, 4, seed), seed, seconds=10)


def test_the_page_names_no_system_and_no_piece(systems: list[System], tmp_path: Path) -> None:
    test = build(systems)
    words = re.sub(r'id="sound-\w+">[\w+/=]+', "", test.page)
    for name in ("lstm", "gru", "voices-", "bach", "sample-0", str(tmp_path)):
        assert name not in words
    assert {system.name for system in test.key.systems.values()} == {
        "lstm-voices-bach",
        "gru-voices-bach",
    }


def test_the_page_needs_no_network(systems: list[System]) -> None:
    words = re.sub(r'id="sound-\w+">[\w+/=]+', "", build(systems).page)
    assert not re.search(r"https?:|//\w+\.|@import|url\(|src=|fetch\(", words)


def test_the_page_and_the_key_have_the_same_ids(systems: list[System]) -> None:
    test = build(systems)
    data = json.loads(re.findall(r'id="test">(.*?)</script>', test.page)[0])
    assert data["test"] == test.key.test
    assert {pair["id"] for pair in data["pairs"]} == set(test.key.pairs)
    assert set(data["clips"]) == set(test.key.clips)
    assert {clip["system"] for clip in data["clips"].values()} == set(test.key.systems)


def test_the_same_samples_and_seed_make_the_same_test(systems: list[System]) -> None:
    assert build(systems).page == build(systems).page
    assert build(systems, 1).key.test != build(systems).key.test


def test_equal_names_are_numbered(systems: list[System]) -> None:
    assert unique_names([systems[0], systems[1], systems[0]]) == [
        "lstm-voices-bach #1",
        "gru-voices-bach",
        "lstm-voices-bach #2",
    ]


def test_all_sounds_are_equally_loud() -> None:
    time = np.arange(22050, dtype=np.float32) / 22050
    quiet = (0.01 * np.sin(2 * np.pi * 440 * time))[:, None]
    for samples in (quiet, 50 * quiet):
        loudness = np.sqrt(np.mean(level(samples) ** 2))
        assert loudness == pytest.approx(LOUDNESS, rel=0.02)


def test_a_long_piece_is_cut_and_faded(short_chorales: list[Piece]) -> None:
    piece = max(short_chorales, key=lambda piece: piece.seconds)
    recording = record(piece, 10)
    assert recording.seconds == pytest.approx(10)
    assert recording.mp3 == record(piece, 10).mp3
    assert record(piece, 1000).seconds < piece.seconds + sound.TAIL + 1

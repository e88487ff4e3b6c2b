"""What chords cost as frames is a distribution over sets of pitches."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from frames_of_chords import WithoutEnd, leave_out_first, score_frames

from defaults import build
from ostinato.music.piece import Piece
from ostinato.representations.monophonic import REST
from small_networks import network_of, store_of


def every_pair() -> np.ndarray:
    """All falling lists of two pitches, of one and of none: (lists, 2)."""
    two = [(high, low) for high in range(128) for low in range(high)]
    return np.array([*two, *((pitch, REST) for pitch in range(128)), (REST, REST)])


def test_the_probabilities_of_all_frames_sum_to_1() -> None:
    chords, network = build("representation=chords", voices=2), network_of("chords", voices=2)
    end = chords.end
    network.head = WithoutEnd(network.head, end)
    lists = every_pair()
    steps = np.concatenate([np.full((len(lists), 1), end), lists], axis=1)
    positions = np.stack([chords.positions(row)[:2] for row in steps]).astype(np.int64)
    steps = torch.from_numpy(steps)
    nll = network.score(steps[:, :-1], torch.from_numpy(positions), steps[:, 1:])
    assert float((-nll.sum(1)).double().exp().sum()) == pytest.approx(1, abs=1e-5)


def test_frames_cost_what_their_tokens_do_where_no_end_can_come(
    short_chorales: list[Piece], tmp_path: Path
) -> None:
    chords, network = build("representation=chords"), network_of("chords")
    with torch.no_grad():
        network.head.logits.bias[chords.end] = -1e4  # it never ends a piece by itself
    store = store_of(short_chorales[:3], chords, tmp_path / "store")
    bundle, own = SimpleNamespace(representation=chords, network=network), network.head
    rows = score_frames(bundle, store, np.arange(3))
    assert network.head is own
    for row, after in zip(rows, map(leave_out_first, rows), strict=True):
        at = store.names.index(row["name"])
        tokens = torch.from_numpy(store.piece(at).astype(np.int64))[None, :-1]
        places = store.positions[store.offsets[at] : store.offsets[at + 1] - 2]
        nll = network.score(
            tokens[:, :-1], torch.from_numpy(places.astype(np.int64))[None], tokens[:, 1:]
        )
        assert row["frames"] == (tokens.shape[1] - 1) // 4 == after["frames"] + 1
        assert row["nats"] == pytest.approx(float(nll.sum()), rel=1e-5)
        assert after["nats"] == pytest.approx(float(nll[:, 4:].sum()), rel=1e-5)

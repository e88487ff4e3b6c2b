"""The input and the head that know pitches by their intervals from what sounds."""

import numpy as np
import pytest
import torch
from chorales.heads import IntervalHead

from defaults import build
from ostinato.config import compose
from ostinato.errors import ConfigError
from ostinato.models.bundle import build_network
from ostinato.models.steps import SequenceSpec
from ostinato.representations.base import Representation

BEST = "experiment=likelihood/jsb16_best"
WIDTH = 6
VOICES = build("representation=voices")


def head_of(reach: int = 30) -> IntervalHead:
    torch.manual_seed(0)
    spec = SequenceSpec("tokens", VOICES.size, VOICES.position_features, voices_per_step=4)
    head = build(
        "experiment=likelihood/jsb16_best.model.head",
        reach=reach,
        input_size=WIDTH,
        spec=spec,
        dropout=0.0,
    ).eval()
    torch.nn.init.normal_(head.intervals.weight)  # it begins at 0
    return head


def logits_of(head: IntervalHead, sounding: list[int]) -> torch.Tensor:
    y = torch.randn(1, 1, WIDTH, generator=torch.Generator().manual_seed(1))
    positions = torch.tensor([[[0, 0, *sounding]]])
    with torch.no_grad():
        return head(y, torch.zeros(1, 1, dtype=torch.long), positions)[0][0, 0]


def test_intervals_score_alike_in_every_key() -> None:
    head = head_of()
    torch.nn.init.zeros_(head.logits.weight)
    torch.nn.init.zeros_(head.logits.bias)
    one, higher = logits_of(head, [60, 64, 67, 72]), logits_of(head, [63, 67, 70, 75])
    assert one.unique().numel() > 50
    torch.testing.assert_close(higher[3:128], one[:125])
    assert torch.equal(higher[128:], one[128:])


def test_each_voice_counts_and_silence_does_not() -> None:
    head = head_of()
    nothing = logits_of(head, [128, 128, 128, 128])
    one = logits_of(head, [60, 128, 128, 128])
    other = logits_of(head, [128, 60, 128, 128])
    both = logits_of(head, [60, 60, 128, 128])
    assert not torch.allclose(one, other)
    torch.testing.assert_close(both - nothing, one + other - 2 * nothing, atol=1e-5, rtol=0)


@pytest.mark.parametrize("reach", [1, 12])
def test_beyond_its_reach_no_interval_scores(reach: int) -> None:
    head = head_of(reach)
    scored = logits_of(head, [60, 128, 128, 128]) - logits_of(head, [128, 128, 128, 128])
    assert scored.nonzero()[:, 0].tolist() == list(range(60 - reach, 60 + reach + 1))


def line(representation: Representation, seed: int) -> np.ndarray:
    """Random legal tokens of one piece, after the end token that begins it."""
    random, grammar = np.random.default_rng(seed), representation.grammar(1)  # type: ignore[attr-defined]
    tokens = [representation.end]
    for _ in range(60):
        legal = np.flatnonzero(grammar.legal()[0])
        held = [t for t in legal if t == 129 or 50 <= t <= 70 or t == 128]
        tokens.append(int(random.choice(held)))
        grammar.advance(np.array(tokens[-1:]))
    return np.array(tokens)


@pytest.mark.parametrize("history", [(), (4.0, 32.0)])
@pytest.mark.parametrize("repeats", [(), (1, 2)])
def test_voices_by_their_intervals_are_the_same_in_every_key(
    history: tuple[float, ...], repeats: tuple[int, ...]
) -> None:
    voices = build(
        "experiment=likelihood/jsb16_best.representation",
        history=history,
        repeats=repeats,
        position_bars=1,
    )
    spec = SequenceSpec("tokens", voices.size, voices.position_features, voices_per_step=4)
    torch.manual_seed(0)
    embed = build(
        "experiment=likelihood/jsb16_best.model.input", embedding_size=8, spec=spec
    ).eval()
    head = build(
        "experiment=likelihood/jsb16_best.model.head", input_size=8, spec=spec, dropout=0.0
    ).eval()
    torch.nn.init.zeros_(head.logits.weight)
    torch.nn.init.zeros_(head.logits.bias)
    for layer in (head.intervals, head.key, head.again):
        if layer is not None:
            torch.nn.init.normal_(layer.weight)
    tokens = line(voices, 3)
    positions = voices.positions(tokens)
    assert positions.shape == (len(tokens), len(voices.position_features))
    moved = voices.transpose(tokens[None], np.array([5]))[0]
    np.testing.assert_array_equal(
        voices.transpose_positions(positions[None], np.array([5]))[0], voices.positions(moved)
    )

    def logits(these: np.ndarray) -> torch.Tensor:
        where = torch.from_numpy(voices.positions(these).astype(np.int64))[None]
        x = embed(torch.from_numpy(these.astype(np.int64))[None], where)
        with torch.no_grad():
            return head(x, torch.zeros(1), where)[0][0]

    one, higher = logits(tokens), logits(moved)
    assert one.std() > 0.1
    torch.testing.assert_close(higher[:, 10:120], one[:, 5:115], atol=1e-4, rtol=1e-4)


def test_positions_with_a_history_say_what_was_heard_and_sounded_before() -> None:
    voices = build(
        "experiment=likelihood/jsb16_best.representation",
        voices=2,
        history=(1.0,),
        repeats=(),
        position_bars=1,
    )
    rest, hold, end = 128, 129, 130
    tokens = np.array([end, 60, rest, hold, 67, 62, hold])
    positions = voices.positions(tokens)
    sounding, before, heard = positions[:, 2:4], positions[:, 4:6], positions[:, 6:]
    assert before.tolist() == [
        [128, 128],
        [128, 128],
        [60, 128],  # the first voice's turn, at the beginning of the second step
        [128, 60],
        [60, 67],
        [67, 60],
        [62, 67],
    ]
    assert sounding[-1].tolist() == [62, 67]
    assert not heard[:2].any()
    assert heard[2].nonzero()[0].tolist() == [0]
    assert heard[2, 0] == round(255 / 2)  # one of two voices
    # the last step counts twice as much as the one before: (1/2 + 2/2) / 3 and 2/2 / 3
    assert heard[4, [0, 7]].tolist() == [round(255 / 2), round(255 / 3)]
    assert voices.positions(tokens[:1])[0].tolist() == [0, 0, 128, 128, 128, 128, *[0] * 12]


def test_voices_that_are_not_as_many_as_the_groups_are_refused() -> None:
    three = build("representation=voices", voices=3)
    config = compose([BEST, "representation.voices=3"])
    with pytest.raises(ConfigError, match=r"backbone.period=4 does not fit: it should be 3"):
        build_network(config, three)
    matching = compose([BEST, "representation.voices=3", "model.backbone.period=3"])
    assert build_network(matching, three)


def test_what_followed_before_scores_by_the_level_of_its_length() -> None:
    voices = build(
        "experiment=likelihood/jsb16_best.representation",
        voices=1,
        repeats=(2, 3),
        history=(),
        position_bars=1,
    )
    spec = SequenceSpec("tokens", voices.size, voices.position_features, voices_per_step=1)
    head = build(
        "experiment=likelihood/jsb16_best.model.head", input_size=8, spec=spec, dropout=0.0
    ).eval()
    assert head.again is not None
    with torch.no_grad():
        head.again.bias.copy_(torch.tensor([1.0, 2.0, 10.0, 20.0]))  # alone, then together
    tokens = np.array([voices.end, 60, 62, 64, 129, 60, 62, 64])
    positions = torch.from_numpy(voices.positions(tokens).astype(np.int64))[None]
    logits, _ = head(torch.zeros(1, 8, 8), torch.zeros(1), positions)
    scored = (logits - head.logits.bias)[0]
    expected = torch.zeros(8, voices.size)
    expected[6, 64], expected[7, 129] = 11.0, 22.0
    torch.testing.assert_close(scored, expected)

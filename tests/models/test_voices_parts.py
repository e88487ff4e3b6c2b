"""The input and the head that know pitches by their intervals from what sounds."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from defaults import build
from ostinato.models.bundle import to_spec
from ostinato.models.voices.features import read_features
from ostinato.models.voices.head import VoicesHead
from ostinato.models.voices.input import VoicesInput
from ostinato.representations.voices import Voices

WIDTH = 6
NOTHING = {"phrases": 0, "half_lives": (), "repeats": ()}


def voices_of(history: dict[str, Any] | None, **changed: Any) -> Voices:
    """Voices whose positions hold these parts of a history alone; None: no history."""
    if history is not None:
        history = build("representation=voices.history", **{**NOTHING, **history})
    made: Voices = build("representation=voices", history=history, **changed)
    return made


def head_of(voices: Voices, width: int = WIDTH, **changed: Any) -> VoicesHead:
    torch.manual_seed(0)
    spec = to_spec(voices)
    values = {"dropout": 0.0, **changed}
    head: VoicesHead = build("model=lstm.voices.head", input_size=width, spec=spec, **values)
    torch.nn.init.normal_(head.intervals.weight)  # it begins at 0
    return head.eval()


def input_of(voices: Voices, width: int = WIDTH) -> VoicesInput:
    torch.manual_seed(0)
    values = {"embedding_size": width, "spec": to_spec(voices)}
    made: VoicesInput = build("model=lstm.voices.input", **values)
    return made.eval()


def no_pitch_scores_by_itself(head: VoicesHead) -> None:
    torch.nn.init.zeros_(head.logits.weight)
    torch.nn.init.zeros_(head.logits.bias)


def logits_of(head: VoicesHead, sounding: list[int]) -> Tensor:
    y = torch.randn(1, 1, WIDTH, generator=torch.Generator().manual_seed(1))
    positions = torch.tensor([[[0, 0, *sounding]]])
    with torch.no_grad():
        logits: Tensor = head(y, torch.zeros(1, 1, dtype=torch.long), positions)[0][0, 0]
    return logits


def test_intervals_score_alike_in_every_key() -> None:
    head = head_of(voices_of(None))
    no_pitch_scores_by_itself(head)
    one, higher = logits_of(head, [60, 64, 67, 72]), logits_of(head, [63, 67, 70, 75])
    assert one.unique().numel() > 50
    torch.testing.assert_close(higher[3:128], one[:125])
    assert torch.equal(higher[128:], one[128:])


def test_each_voice_counts_and_silence_does_not() -> None:
    head = head_of(voices_of(None))
    nothing = logits_of(head, [128, 128, 128, 128])
    one = logits_of(head, [60, 128, 128, 128])
    other = logits_of(head, [128, 60, 128, 128])
    both = logits_of(head, [60, 60, 128, 128])
    assert not torch.allclose(one, other)
    torch.testing.assert_close(both - nothing, one + other - 2 * nothing, atol=1e-5, rtol=0)


@pytest.mark.parametrize("reach", [1, 12])
def test_beyond_its_reach_no_interval_scores(reach: int) -> None:
    head = head_of(voices_of(None), reach=reach)
    scored = logits_of(head, [60, 128, 128, 128]) - logits_of(head, [128, 128, 128, 128])
    assert scored.nonzero()[:, 0].tolist() == list(range(60 - reach, 60 + reach + 1))


def line(representation: Voices, seed: int) -> np.ndarray:
    """Random legal tokens of one piece, after the end token that begins it."""
    random, grammar = np.random.default_rng(seed), representation.grammar(1)
    tokens = [representation.end]
    for _ in range(120):
        legal = np.flatnonzero(grammar.legal()[0])
        held = [t for t in legal if t == 129 or 50 <= t <= 70 or t == 128]
        tokens.append(int(random.choice(held)))
        grammar.advance(np.array(tokens[-1:]))
    return np.array(tokens)


def where(voices: Voices, tokens: np.ndarray) -> Tensor:
    """Positions (1, time, features) of the tokens of one sequence."""
    return torch.from_numpy(voices.positions(tokens).astype(np.int64))[None]


@pytest.mark.parametrize("phrases", [0, 3])
@pytest.mark.parametrize("half_lives", [(), (4.0, 32.0)])
@pytest.mark.parametrize("repeats", [(), (1, 2)])
@pytest.mark.parametrize("voices", [1, 4])
def test_voices_are_the_same_in_every_key(
    phrases: int, half_lives: tuple[float, ...], repeats: tuple[int, ...], voices: int
) -> None:
    history = {"phrases": phrases, "half_lives": half_lives, "repeats": repeats}
    representation = voices_of(history, voices=voices, position_bars=1)
    embed, head = input_of(representation), head_of(representation)
    no_pitch_scores_by_itself(head)
    leading = head.voice_leading
    assert (leading is None) == (voices == 1)
    tables = [leading.all_pairs, leading.each_pair] if leading is not None else []
    for layer in (head.pitch_classes, head.matches, *tables):
        if layer is not None:
            torch.nn.init.normal_(layer.weight)
    tokens = line(representation, 3)
    moved = representation.transpose(tokens[None], np.array([5]))[0]

    @torch.no_grad()
    def logits(these: np.ndarray) -> Tensor:
        positions = where(representation, these)
        x = embed(torch.from_numpy(these.astype(np.int64))[None], positions)
        found: Tensor = head(x, torch.zeros(1), positions)[0][0]
        return found

    one, higher = logits(tokens), logits(moved)
    assert one.std() > 0.1
    torch.testing.assert_close(higher[:, 10:120], one[:, 5:115], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("feature", "history"),
    [
        ("step", NOTHING),
        ("voice_index", NOTHING),
        ("sounding.1", NOTHING),
        ("phrase", {"phrases": 3}),
        ("previous.2", NOTHING),
        ("per_voice_match.0", {"repeats": (1, 2)}),
        ("joint_match.3", {"repeats": (1, 2)}),
        ("per_voice_match_length.0", {"repeats": (1, 2)}),
        ("joint_match_length", {"repeats": (1, 2)}),
        ("pitch_classes.1.5", {"half_lives": (4.0, 8.0)}),
    ],
)
def test_every_feature_is_read(feature: str, history: dict[str, Any]) -> None:
    voices = voices_of(history)
    embed, features = input_of(voices), voices.position_features
    known = {"voice_index": 2, "step": 5, "sounding": 60, "previous": 62}
    known |= {"per_voice_match": 64, "joint_match": 65}  # all that is left: 1
    values = [known.get(name.split(".")[0], 1) for name in features]
    positions = torch.tensor([[values]])
    other = positions.clone()
    at = list(features).index(feature)
    other[..., at] = (other[..., at] + 1) % features[feature]
    tokens = torch.tensor([[60]])
    with torch.no_grad():
        assert not torch.allclose(embed(tokens, positions), embed(tokens, other))


def test_shares_of_pitch_classes_enter_as_logarithms() -> None:
    voices = voices_of({"half_lives": (4.0, 8.0)})
    levels = [0, 255, 127, *[0] * 9]
    positions = torch.tensor([[[0, 0, *[60] * 4, *[60] * 4, *levels, *reversed(levels)]]])
    shares = read_features(positions, to_spec(voices)).pitch_classes[0, 0]
    expected = (torch.tensor([1.0, 256.0, 128.0, *[1.0] * 9]) / 256).log()
    torch.testing.assert_close(shares, torch.stack([expected, expected.flip(0)]))
    assert float(shares.min()) > -5.6


def test_the_head_scores_a_pitch_class_by_the_logarithm_of_its_share() -> None:
    voices = voices_of({"half_lives": (4.0, 8.0)})
    head = head_of(voices)
    torch.nn.init.zeros_(head.intervals.weight)
    assert head.pitch_classes is not None
    with torch.no_grad():
        head.pitch_classes.bias.copy_(torch.tensor([0.5, 2.0]))
    positions = torch.tensor([[[0, 0, *[128] * 8, *range(12), *[255] * 12]]])
    plain = head.logits(torch.zeros(1, 1, WIDTH))
    with torch.no_grad():
        scored = (head(torch.zeros(1, 1, WIDTH), torch.zeros(1), positions)[0] - plain)[0, 0]
    expected = 0.5 * ((torch.arange(12) + 1) / 256).log()
    torch.testing.assert_close(scored[:120].reshape(10, 12), expected.expand(10, 12))
    assert torch.equal(scored[128:], torch.zeros(3))


def test_positions_say_what_sounded_before_and_in_which_pitch_classes() -> None:
    voices = voices_of({"half_lives": (1.0,)}, voices=2)
    rest, hold, end = 128, 129, 130
    tokens = np.array([end, 60, rest, hold, 67, 62, hold])
    positions = voices.positions(tokens)
    sounding, before, shares = positions[:, 2:4], positions[:, 4:6], positions[:, 6:]
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
    assert not shares[:2].any()
    assert shares[2].nonzero()[0].tolist() == [0]
    assert shares[2, 0] == round(255 / 2)  # one of two voices
    # the last step counts twice as much as the one before: (1/2 + 2/2) / 3 and 2/2 / 3
    assert shares[4, [0, 7]].tolist() == [round(255 / 2), round(255 / 3)]
    assert voices.positions(tokens[:1])[0].tolist() == [0, 0, 128, 128, 128, 128, *[0] * 12]


def test_what_followed_before_scores_by_the_level_of_its_length() -> None:
    voices = voices_of({"repeats": (2, 3)}, voices=1)
    head = head_of(voices, width=8)
    assert head.matches is not None
    with torch.no_grad():
        head.matches.bias.copy_(torch.tensor([1.0, 2.0, 10.0, 20.0]))  # alone, then together
    tokens = np.array([voices.end, 60, 62, 64, 129, 60, 62, 64])
    logits, _ = head(torch.zeros(1, 8, 8), torch.zeros(1), where(voices, tokens))
    scored = (logits - head.logits.bias)[0]
    expected = torch.zeros(8, voices.size)
    expected[6, 64], expected[7, 129] = 11.0, 22.0
    torch.testing.assert_close(scored, expected)


def test_the_head_begins_as_a_plain_softmax() -> None:
    voices = voices_of({"phrases": 2, "half_lives": (4.0,), "repeats": (1, 2)})
    values = {"input_size": WIDTH, "spec": to_spec(voices), "dropout": 0.0}
    head = build("model=lstm.voices.head", **values)
    tokens = line(voices, 2)
    y = torch.randn(1, len(tokens), WIDTH)
    torch.testing.assert_close(head(y, torch.zeros(1), where(voices, tokens))[0], head.logits(y))

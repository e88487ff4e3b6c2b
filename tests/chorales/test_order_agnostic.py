"""The voices of a time step in any order, and the mean over orders."""

from itertools import permutations

import numpy as np
import pytest
import torch
from torch import Tensor

from chorales.order_agnostic import OrderAgnostic, spread_orders
from chorales.reorder import Sequences, pad_time_steps, reorder_voices
from defaults import build
from ostinato.config import compose
from ostinato.errors import ConfigError
from ostinato.models.bundle import build_network, to_spec
from ostinato.models.sequence import SequenceModel
from ostinato.models.steps import IGNORED, SequenceSpec
from ostinato.music.piece import Piece
from ostinato.representations.base import Representation
from ostinato.representations.voices import Voices

REST, END = 128, 130
SMALL = [
    "experiment=jsb16_best",
    "model.voices.input.embedding_size=12",
    "model.voices.head.dropout=0.2",
    "model.voices.backbone.dropout=0.2",
    "model.voices.backbone.outer_dropout=0.0",
    "model.voices.backbone.hidden_size=12",
    "model.backbone.hidden_size=12",
    "representation.history.phrases=4",
    "representation.history.half_lives=[8]",
    "representation.history.repeats=[1,3]",
    "representation.position_bars=1",
]


def built(*overrides: str) -> tuple[OrderAgnostic, Voices]:
    torch.manual_seed(0)
    config = compose([*SMALL, *overrides])
    voices = config.build("representation")
    network = build_network(config, voices)
    assert isinstance(network, OrderAgnostic)
    assert isinstance(voices, Voices)
    for parameter in network.head.parameters():  # its scores of intervals begin at 0
        torch.nn.init.normal_(parameter, std=0.3)
    return network.eval(), voices


def sequences_of(piece: Piece, voices: Voices, steps: int) -> Sequences:
    """The beginning of a piece, an end token, and padding."""
    tokens = np.concatenate(([END], voices.encode(piece)[: 4 * steps], [END])).astype(np.int64)
    positions = voices.positions(tokens).astype(np.int64)
    targets = np.concatenate((tokens[1:], [IGNORED, IGNORED]))
    inputs = np.concatenate((tokens, [0]))
    positions = np.concatenate((positions, positions[-1:]))
    return Sequences(*(torch.from_numpy(x)[None] for x in (inputs, positions, targets)))


@pytest.fixture
def given(short_chorales: list[Piece]) -> Sequences:
    return pad_time_steps(sequences_of(short_chorales[0], built()[1], 30), 4)


def orders_like(given: Sequences, order: list[int]) -> Tensor:
    return torch.tensor(order).expand(1, given.targets.shape[1] // 4, 4)


def test_in_their_own_order_voices_stay_as_they_are(given: Sequences) -> None:
    _, voices = built()
    same, _ = reorder_voices(given, orders_like(given, [0, 1, 2, 3]), to_spec(voices))
    real = given.targets[0] != IGNORED
    for one, other in zip(same, given, strict=True):
        assert torch.equal(one[0][real], other[0][real])


@pytest.mark.parametrize("order", [[3, 2, 1, 0], [1, 3, 0, 2]])
def test_another_order_is_that_of_a_piece_whose_voices_were_exchanged(
    short_chorales: list[Piece], order: list[int]
) -> None:
    _, voices = built()
    piece = short_chorales[0]
    notes = piece.notes.copy()
    notes["track"] = np.argsort(order)[piece.notes["track"]]
    notes.sort(order=["onset", "track", "pitch"])
    exchanged = Piece(
        piece.name,
        piece.resolution,
        notes,
        time_signatures=piece.time_signatures,
        track_names=piece.track_names,
    )
    given = Sequences(*(x[:, :120] for x in sequences_of(piece, voices, 30)))
    other = Sequences(*(x[:, :120] for x in sequences_of(exchanged, voices, 30)))
    got, places = reorder_voices(given, orders_like(given, order), to_spec(voices))
    assert torch.equal(places, orders_like(given, order))
    assert torch.equal(got.steps, other.steps)
    assert torch.equal(got.targets, other.targets)
    turn = torch.tensor(order)[other.positions[..., 0]]
    assert torch.equal(got.positions[..., 0], turn)
    assert torch.equal(got.positions[..., 1], other.positions[..., 1])
    # what is of no voice
    names = [name.partition(".")[0] for name in voices.position_features]
    alike = torch.tensor(
        [name in ("phrase", "joint_match_length", "pitch_classes") for name in names]
    )
    assert torch.equal(got.positions[..., alike], other.positions[..., alike])
    repeated = other.positions[..., names.index("joint_match_length")]
    assert int(repeated.max()) == 2  # something is repeated
    assert other.positions[..., names.index("phrase")].unique().tolist() == [0, 1]
    of_voices = ("sounding", "previous", "per_voice_match", "per_voice_match_length", "joint_match")
    for group in of_voices:
        at = names.index(group)
        for voice in range(4):
            place = order.index(voice)
            now = got.positions[..., at : at + 4].gather(-1, ((voice - turn) % 4)[..., None])
            then = other.positions[..., at : at + 4].gather(
                -1, ((place - other.positions[..., 0]) % 4)[..., None]
            )
            assert torch.equal(now, then)


def test_a_score_is_the_mean_over_orders_of_what_they_say_of_a_time_step(given: Sequences) -> None:
    network, voices = built()
    moments = []
    for order in network.orders.tolist():
        one, _ = reorder_voices(given, orders_like(given, order), to_spec(voices))
        nll = SequenceModel.nll(network, *one)
        moments.append(nll.reshape(-1, 4).sum(1))
    each = torch.stack(moments)
    score = network.score(*given, chunk=28).reshape(-1, 4)
    assert not score[:, 1:].any()
    expected = -(-each).exp().mean(0).log()
    torch.testing.assert_close(score[:, 0], expected, atol=1e-4, rtol=1e-4)
    assert each.std(dim=0).min() > 1e-4  # the orders do differ, at the end too
    torch.testing.assert_close(network.nll(*given), network.score(*given))


@pytest.mark.parametrize("end", [False, True])
def test_all_that_a_time_step_can_be_sums_to_one(end: bool) -> None:
    """Over every pair of tokens of two voices and the end, the mean over their two orders."""
    network, voices = built(
        "representation.voices=2",
        f"+representation.end_token={end}",
        "model.voices.orders=2",
    )
    assert network.orders.tolist() == [[0, 1], [1, 0]]
    tokens = torch.arange(130)
    pairs = torch.cartesian_prod(tokens, tokens)
    targets = torch.cat([torch.tensor([60, 64]).expand(len(pairs), 2), pairs], dim=1)
    first = torch.full((len(pairs), 1), END if end else REST)
    steps = torch.cat([first, targets[:, :-1]], dim=1)
    positions = np.stack([voices.positions(line) for line in steps[::130].numpy()])
    there = torch.from_numpy(positions.astype(np.int64)).repeat_interleave(130, dim=0)
    every = Sequences(steps, there, targets)
    moments = network.score(*every).reshape(-1, 2, 2)[:, 1, 0]
    assert moments.std() > 0.1
    total = float((-moments.double()).exp().sum())
    if end:
        ended = Sequences(*(part[:1].clone() for part in every))
        ended.targets[:, 2:] = torch.tensor([END, IGNORED])
        total += float((-network.score(*ended)[0, 2]).exp())
        alike = Sequences(*(part[::131] for part in every))  # both voices say the same
        total += second_voice_ends(network, alike, to_spec(voices))
    assert total == pytest.approx(1, abs=1e-5)


@torch.no_grad()
def second_voice_ends(network: OrderAgnostic, alike: Sequences, spec: SequenceSpec) -> float:
    """How likely, by the mean over orders, is what cannot be: an end after the first voice."""
    odds = []
    for order in network.orders:
        other, _ = reorder_voices(alike, order.expand(len(alike.steps), 2, 2), spec)
        said = network(other.steps, other.positions)[0].softmax(dim=-1).double()
        first = said[torch.arange(len(said)), 2, other.targets[:, 2]]
        odds.append(first @ said[:, 3, END])
    return float(torch.stack(odds).mean())


def test_training_draws_an_order_for_each_time_step(given: Sequences) -> None:
    network, _ = built("model.voices.backbone.dropout=0", "model.voices.head.dropout=0")
    network.train()
    torch.manual_seed(1)
    one, other = network.nll(*given), network.nll(*given)
    assert one.shape == given.targets.shape
    assert not torch.allclose(one, other)
    assert not one[given.targets == IGNORED].any()
    torch.manual_seed(1)
    assert torch.equal(network.nll(*given), one)


def test_orders_are_spread_over_all() -> None:
    assert list(spread_orders(4, 24)) == [list(order) for order in permutations(range(4))]
    assert list(spread_orders(3, 99)) == [list(order) for order in permutations(range(3))]
    assert list(spread_orders(4, 2)) == [[0, 1, 2, 3], [3, 2, 1, 0]]
    assert list(spread_orders(4, 1)) == [[0, 1, 2, 3]]


@pytest.mark.parametrize(
    "representation",
    [
        build("representation=event"),
        build("representation=voices", voices=1),
        build("representation=pianoroll"),
    ],
    ids=["event", "one voice", "pianoroll"],
)
def test_what_is_no_interleaved_voices_is_refused(representation: Representation) -> None:
    with pytest.raises(ConfigError, match=r"takes (interleaved voices|tokens) alone"):
        build_network(compose(SMALL), representation)


def test_controls_are_refused() -> None:
    config = compose([*SMALL, "model.voices.controls.names=[density]"])
    representation = config.build("representation")
    with pytest.raises(ConfigError, match=r"it has no controls: say model\.voices\.controls"):
        build_network(config, representation)

"""A sequence model of frames says the same step by step, in chunks and at once, and exactly."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from defaults import build
from ostinato.errors import ConfigError
from ostinato.models.heads.base import Head
from ostinato.models.inputs import FARTHEST
from ostinato.models.sequence import SequenceModel
from ostinato.models.steps import IGNORED, SequenceSpec, predicted
from ostinato.sampling.strategies import Sampler
from small_networks import BACKBONES, config_of

STEPS = SequenceSpec("frames", 6, {"step": 4}, channels=2)


def built(backbone: str, hidden: int = 16, layers: int = 1, seed: int = 0) -> SequenceModel:
    config = config_of("pianoroll", backbone, hidden, layers)
    torch.manual_seed(seed)
    network = config.build("model", spec=STEPS)
    assert isinstance(network, SequenceModel)
    return network.eval()


def sequences(batch: int, time: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    frames = torch.randint(2, (batch, time, STEPS.size), generator=generator, dtype=torch.int8)
    return frames, torch.randint(4, (batch, time, 1), generator=generator)


def every_frame(width: int) -> Tensor:
    return torch.tensor(list(itertools.product((0, 1), repeat=width)), dtype=torch.int8)


@given(
    backbone=st.sampled_from(BACKBONES),
    hidden=st.integers(1, 24),
    layers=st.integers(1, 3),
    batch=st.integers(1, 3),
    time=st.integers(1, 20),
    seed=st.integers(0, 999),
)
@settings(deadline=None, max_examples=30)
def test_stepping_equals_the_full_pass(
    backbone: str, hidden: int, layers: int, batch: int, time: int, seed: int
) -> None:
    network = built(backbone, hidden, layers, seed)
    frames, positions = sequences(batch, time, seed)
    with torch.no_grad():
        whole, last = network(frames, positions)
        steps, state = [], None
        for t in range(time):
            part = slice(t, t + 1)
            context, state = network(frames[:, part], positions[:, part], state=state)
            steps.append(context)
    torch.testing.assert_close(torch.cat(steps, dim=1), whole, atol=1e-5, rtol=0)
    torch.testing.assert_close(state, last, atol=1e-5, rtol=0)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("chunk", [1, 7, 30, 64])
def test_score_in_chunks_equals_score_at_once(backbone: str, chunk: int) -> None:
    network = built(backbone)
    frames, positions = sequences(3, 30)
    targets = frames.roll(-1, 1)
    targets[1, 20:] = IGNORED
    at_once = network.nll(frames, positions, targets)
    in_chunks = network.score(frames, positions, targets, chunk=chunk)
    torch.testing.assert_close(in_chunks, at_once, atol=1e-5, rtol=0)
    assert at_once.shape == (3, 30)
    assert torch.all(at_once[1, 20:] == 0)
    assert torch.all(at_once[0] > 0)


def test_what_stands_in_the_padding_changes_nothing() -> None:
    network = built("GRU")
    frames, positions = sequences(2, 10)
    targets = frames.roll(-1, 1)
    targets[1, 4:] = IGNORED
    changed = frames.clone()
    changed[1, 5:] = 1 - changed[1, 5:]
    one, other = (network.nll(f, positions, targets) for f in (frames, changed))
    torch.testing.assert_close(one, other, atol=1e-6, rtol=0)
    assert predicted(targets).sum() == 10 + 4


@pytest.mark.parametrize("width", [1, 3, 6])
def test_probabilities_of_all_frames_sum_to_one(width: int) -> None:
    torch.manual_seed(1)
    head = build(
        "model/frame_head=bernoulli", input_size=5, spec=SequenceSpec("frames", width), dropout=0.0
    )
    total_of(head, width)


def total_of(head: Head, width: int) -> None:
    frames = every_frame(width)
    y = torch.randn(1, 3, 5).expand(len(frames), 3, 5)
    with torch.no_grad():
        heard = torch.zeros(len(frames), 3, width, dtype=torch.int8)
        context, _ = head(y, heard, torch.zeros(len(frames), 3, 0))
        nll = head.nll(context, frames[:, None].expand(-1, 3, -1))
    assert torch.exp(-nll.double()).sum(0).tolist() == pytest.approx([1.0] * 3, abs=1e-5)


def test_a_frame_is_drawn_as_often_as_its_probability_says() -> None:
    torch.manual_seed(2)
    head = build(
        "model/frame_head=bernoulli", input_size=5, spec=SequenceSpec("frames", 3), dropout=0.0
    )
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        context, _ = head(torch.randn(1, 1, 5), torch.zeros(1, 1, 3), torch.zeros(1, 1, 0))
        likely = torch.exp(-head.nll(context.expand(8, 1, 3), every_frame(3)[:, None]))[:, 0]
        drawn = head.draw(
            context[:, -1].expand(20000, 3), Sampler(build("sampling=ancestral"), generator)
        )
    which = (drawn * torch.tensor([4, 2, 1])).sum(-1).long()
    shares = torch.bincount(which, minlength=8) / 20000
    assert shares.tolist() == pytest.approx(likely.tolist(), abs=0.02)


def test_a_transposed_window_is_told_from_one_that_is_not() -> None:
    network = built("GRU")
    torch.nn.init.normal_(network.input.shift.weight)  # it begins at 0
    frames, positions = sequences(2, 5)
    with torch.no_grad():
        plain, _ = network(frames, positions)
        still, _ = network(frames, positions, torch.tensor([0, 0]))
        moved, _ = network(frames, positions, torch.tensor([0, 3]))
    assert torch.equal(plain, still)
    assert torch.equal(moved[0], plain[0])
    assert not torch.allclose(moved[1], plain[1])


def test_far_transpositions_count_as_the_farthest_that_is_told_apart() -> None:
    entering = build("model=gru.frame_input", embedding_size=4, spec=STEPS)
    frames, positions = sequences(1, 2)
    one, other = (entering(frames, positions, torch.tensor([n])) for n in (FARTHEST, 60))
    assert torch.equal(one, other)


def test_without_a_shift_no_transposition_is_told() -> None:
    entering = build("model=gru.frame_input", embedding_size=4, shift=False, spec=STEPS)
    frames, positions = sequences(1, 2)
    one, other = (entering(frames, positions, torch.tensor([n])) for n in (0, 5))
    assert torch.equal(one, other)


def test_a_model_without_parts_for_frames_refuses_them() -> None:
    config = config_of("pianoroll")
    config.tree["model"] |= {"frame_head": None}
    with pytest.raises(ConfigError, match="model: it has no frame_input or no frame_head"):
        config.build("model", spec=STEPS)

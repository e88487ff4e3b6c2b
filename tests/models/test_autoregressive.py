"""The autoregressive head: an exact distribution over frames, the same in steps and at once."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from defaults import build
from ostinato.models.heads.autoregressive import Autoregressive
from ostinato.models.steps import IGNORED, SequenceSpec
from ostinato.sampling.strategies import Sampler

WIDTH = 6  # of what the backbone gives


def head_of(
    pitches: int, frame_channels: int = 1, copies: int = 0, seed: int = 0, channels: int = 5
) -> Autoregressive:
    torch.manual_seed(seed)
    spec = SequenceSpec("frames", pitches * frame_channels, {"step": 4}, frame_channels)
    head = build(
        "model/frame_head=autoregressive",
        hidden_size=9,
        channels=channels,
        frames=2,
        reach=2,
        copies=copies,
        input_size=WIDTH,
        spec=spec,
    )
    if channels:
        torch.nn.init.normal_(head.below.weight)  # it begins at 0, and would hide mistakes
    return head.eval()


def frames_of(batch: int, time: int, pitches: int, frame_channels: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, time, frame_channels, pitches)
    frames = torch.rand(shape, generator=generator) < 0.4
    if frame_channels == 2:
        frames[:, :, 0] |= frames[:, :, 1]
    return frames.flatten(2).long()


def inputs_of(
    batch: int, time: int, pitches: int, frame_channels: int, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    y = torch.randn(batch, time, WIDTH, generator=torch.Generator().manual_seed(seed))
    frames = frames_of(batch, time + 1, pitches, frame_channels, seed)
    return y, frames[:, :-1], torch.zeros(batch, time, 1, dtype=torch.long), frames[:, 1:]


@pytest.mark.parametrize(("copies", "channels"), [(0, 5), (2, 5), (0, 0)])
@pytest.mark.parametrize(("pitches", "frame_channels"), [(1, 1), (5, 1), (3, 2)])
def test_probabilities_of_all_frames_sum_to_one(
    pitches: int, frame_channels: int, copies: int, channels: int
) -> None:
    head = head_of(pitches, frame_channels, copies, channels=channels)
    y, steps, positions, _ = inputs_of(1, 4, pitches, frame_channels)
    possible = [
        list(sound) + list(onset)
        for sound in itertools.product((0, 1), repeat=pitches)
        for onset in itertools.product((0, 1), repeat=pitches if frame_channels == 2 else 0)
        if all(s >= o for s, o in zip(sound, onset, strict=False))
    ]
    assert len(possible) == (2 if frame_channels == 1 else 3) ** pitches
    with torch.no_grad():
        context, _ = head(y, steps, positions)
        each = context[:, -1:].expand(len(possible), -1, -1)
        nll = head.nll(each, torch.tensor(possible)[:, None])
    assert torch.exp(-nll.double()).sum().item() == pytest.approx(1, abs=1e-5)


@given(
    batch=st.integers(1, 3),
    time=st.integers(1, 9),
    chunk=st.integers(1, 4),
    pitches=st.integers(1, 7),
    frame_channels=st.integers(1, 2),
    copies=st.integers(0, 2),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=40)
def test_scoring_in_chunks_equals_scoring_at_once(
    batch: int, time: int, chunk: int, pitches: int, frame_channels: int, copies: int, seed: int
) -> None:
    head = head_of(pitches, frame_channels, copies, seed)
    y, steps, positions, targets = inputs_of(batch, time, pitches, frame_channels, seed)
    parts, state = [], None
    with torch.no_grad():
        whole = head.nll(head(y, steps, positions)[0], targets)
        for start in range(0, time, chunk):
            part = slice(start, start + chunk)
            context, state = head(y[:, part], steps[:, part], positions[:, part], state)
            parts.append(head.nll(context, targets[:, part]))
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-5, rtol=0)


def test_a_frame_changes_no_likelihood_before_it() -> None:
    head = head_of(5, 1, copies=2)
    y, steps, positions, targets = inputs_of(2, 8, 5, 1)
    changed, after = steps.clone(), targets.clone()
    changed[:, 5] = 1 - changed[:, 5]
    after[:, 4] = changed[:, 5]
    with torch.no_grad():
        before = head.nll(head(y, steps, positions)[0], targets)
        now = head.nll(head(y, changed, positions)[0], after)
    assert torch.equal(before[:, :4], now[:, :4])
    assert not torch.allclose(before[:, 5], now[:, 5])


def test_padding_has_no_likelihood_and_no_influence() -> None:
    head = head_of(5)
    y, steps, positions, targets = inputs_of(2, 8, 5, 1)
    padded = targets.clone()
    padded[1, 3:] = IGNORED
    with torch.no_grad():
        context, _ = head(y, steps, positions)
        whole, part = head.nll(context, targets), head.nll(context, padded)
    assert torch.all(part[1, 3:] == 0)
    assert torch.equal(part[0], whole[0])
    assert torch.equal(part[1, :3], whole[1, :3])


class Drawing:
    """Draws as the logits say, by a generator."""

    def __init__(self) -> None:
        self.generator = torch.Generator().manual_seed(1)

    def categorical(self, logits: Tensor, notes: Tensor | None = None) -> Tensor:
        # all pitches are notes, and the end of the list is none
        assert notes is not None
        assert notes.tolist() == [True] * (logits.shape[-1] - 1) + [False]
        shares = torch.softmax(logits, dim=-1)
        return torch.multinomial(shares, 1, generator=self.generator)[:, 0]

    def bernoulli(self, logits: Tensor) -> Tensor:
        shares = torch.sigmoid(logits)
        return (torch.rand(shares.shape, generator=self.generator) < shares).long()


@pytest.mark.parametrize("channels", [0, 5])
@pytest.mark.parametrize("frame_channels", [1, 2])
def test_frames_are_drawn_as_often_as_they_are_likely(frame_channels: int, channels: int) -> None:
    head = head_of(3, frame_channels, channels=channels)
    y, steps, positions, _ = inputs_of(1, 3, 3, frame_channels)
    with torch.no_grad():
        context, _ = head(y, steps, positions)
        last = context[:, -1].expand(20_000, -1)
        drawn = head.draw(last, Drawing())
        kinds, counts = drawn.unique(dim=0, return_counts=True)
        nll = head.nll(context[:, -1:].expand(len(kinds), -1, -1), kinds[:, None])
    expected = torch.exp(-nll[:, 0])
    torch.testing.assert_close(counts / len(drawn), expected, atol=0.015, rtol=0)
    if frame_channels == 2:
        sound, onset = drawn.unflatten(1, (2, 3)).unbind(1)
        assert torch.all(sound >= onset)


def test_a_temperature_of_pitches_leaves_how_often_a_frame_is_silent() -> None:
    head = head_of(3)
    y, steps, positions, _ = inputs_of(1, 3, 3, 1)
    settings = build("sampling=ancestral", pitch_temperature=10.0, pitch_top_p=None)
    coldly = build("sampling=ancestral", pitch_temperature=1.0, pitch_top_p=0.01)
    with torch.no_grad():
        context, _ = head(y, steps, positions)
        silent = float(torch.exp(-head.nll(context[:, -1:], torch.zeros(1, 1, 3).long())))
        last = context[:, -1].expand(10_000, -1)
        hot, cold = (
            head.draw(last, Sampler(chosen, torch.Generator().manual_seed(2)))
            for chosen in (settings, coldly)
        )
    assert 0.05 < silent < 0.9
    for drawn in (hot, cold):
        assert (drawn.sum(1) == 0).double().mean().item() == pytest.approx(silent, abs=0.02)
    assert len(hot.unique(dim=0)) == 8
    assert len(cold.unique(dim=0)) <= 4  # no note, or the likeliest ones, as many as are drawn


def test_copies_bring_back_what_followed_a_frame_like_the_last() -> None:
    head = head_of(5, copies=1)
    assert head.copying is not None
    y, steps, _, _ = inputs_of(1, 6, 5, 1)
    maps = steps.unflatten(-1, (1, 5)).float()
    y[:, 5] = y[:, 2]
    with torch.no_grad():
        head.copying.queries.weight.copy_(head.copying.keys.weight * 50)
        head.copying.queries.bias.copy_(head.copying.keys.bias * 50)
        shares, _ = head.copying(y, maps)
    torch.testing.assert_close(shares[0, 5], maps[0, 3], atol=1e-3, rtol=0)


def test_copies_without_channels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"copies=1 does not fit frame_head\.channels=0"):
        head_of(5, copies=1, channels=0)


def test_what_sounded_around_a_pitch_counts_alike_at_every_pitch() -> None:
    head = head_of(12)
    torch.nn.init.zeros_(head.absolute)
    y, steps, positions, _ = inputs_of(1, 1, 12, 1)
    low, high = steps * 0, steps * 0
    low[..., [3, 5]] = 1
    high[..., [6, 8]] = 1
    with torch.no_grad():
        [_, one], [_, other] = (
            head._around(head(y, frames, positions)[0][0]) for frames in (low, high)
        )
    torch.testing.assert_close(other[:, 3:], one[:, :-3])
    assert not torch.allclose(one[:, 3], one[:, 9])

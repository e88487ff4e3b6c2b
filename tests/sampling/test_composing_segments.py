"""Segments follow from noise and seed, and between two of them there is a way."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from defaults import build
from ostinato.models.segments import interpolate_on_sphere
from ostinato.representations.monophonic import REST
from ostinato.sampling.segments import compose_segments
from ostinato.sampling.voice_rolls import draw_segments
from small_gans import gan_of

VOICES = build("representation=voices", steps_per_quarter=2, bar_steps=8)
SEGMENT, BAR = 2 * 8 * 4, 8 * 4  # tokens


@given(st.integers(2, 40), st.integers(2, 12), st.integers(0, 999))
@settings(deadline=None)
def test_a_way_turns_by_even_steps_and_keeps_to_the_sphere(
    size: int, steps: int, seed: int
) -> None:
    ends = torch.randn(2, size, generator=torch.Generator().manual_seed(seed)).double()
    points = interpolate_on_sphere(ends, steps)
    torch.testing.assert_close(points[[0, -1]], ends)
    lengths = points.norm(dim=1)
    assert (lengths.diff().sub(lengths.diff().mean()).abs() < 1e-6).all()
    directions = points / lengths[:, None]
    between = (directions[1:] * directions[:-1]).sum(dim=1).clamp(-1, 1).arccos()
    torch.testing.assert_close(between, between.mean().expand(steps - 1), atol=1e-4, rtol=0)


@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0, 0.0])
def test_ends_in_one_line_are_joined_straight(factor: float) -> None:
    first = torch.tensor([1.0, 2.0, -2.0])
    points = interpolate_on_sphere(torch.stack([first, factor * first]), 5)
    shares = torch.linspace(1, factor, 5)
    torch.testing.assert_close(points, shares[:, None] * first)


def test_noise_of_any_shape_has_a_way() -> None:
    ends = torch.randn(2, 3, 4)
    assert interpolate_on_sphere(ends, 6).shape == (6, 3, 4)
    torch.testing.assert_close(interpolate_on_sphere(ends, 2), ends)


def test_the_same_seed_composes_the_same_segments() -> None:
    network = gan_of()
    once, again, more = (
        compose_segments(network, VOICES, build("sampling=ancestral", pieces=count), seed=5)
        for count in (3, 3, 4)
    )
    assert [piece.steps.tolist() for piece in once] == [piece.steps.tolist() for piece in again]
    assert len(more) == 4
    assert all(len(piece.steps) == SEGMENT and piece.ended for piece in once)


def test_a_way_leads_from_one_segment_to_another() -> None:
    network = gan_of()
    composed = compose_segments(
        network, VOICES, build("sampling=ancestral", pieces=2, interpolation_steps=5), seed=5
    )
    ends = draw_segments(network, network.noise(4, torch.Generator().manual_seed(5)))
    expected = VOICES.from_grid(ends).reshape(2, 2, SEGMENT)
    for piece, (first, last) in zip(composed, expected, strict=True):
        shown = piece.steps.reshape(5, SEGMENT + BAR)
        assert np.array_equal(shown[[0, -1], :SEGMENT], [first, last])
        assert (shown[:, SEGMENT:] == REST).all()
        differ = (shown[:-1] != shown[1:]).mean()
        assert differ < (first != last).mean(), "neighbours are nearer than the ends"

"""From logits to the distribution that is drawn from."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st
from torch import Tensor

from defaults import build
from ostinato.errors import UserError
from ostinato.sampling.settings import Sampling
from ostinato.sampling.strategies import Sampler, draw_rows, probabilities

SHARES = torch.tensor([[0.4, 0.3, 0.2, 0.1]])
ALL = torch.ones(1, 4, dtype=torch.bool)
NONE = ~ALL


def plain(**settings: Any) -> Sampling:
    """The settings, where all but these leave what the model says as it is."""
    plain = {"temperature": 1.0, "top_p": None, "pitch_temperature": 1.0, "pitch_top_p": None}
    made: Sampling = build("sampling=ancestral", **{**plain, **settings})
    return made


def drawn(
    settings: Sampling, legal: Tensor = ALL, recent: Tensor = NONE, notes: Tensor | None = None
) -> list[float]:
    shares: list[float] = probabilities(SHARES.log(), legal, recent, settings, notes)[0].tolist()
    return shares


def test_plain_sampling_is_what_the_model_says() -> None:
    assert drawn(plain()) == pytest.approx([0.4, 0.3, 0.2, 0.1])


def test_a_low_temperature_sharpens_and_a_high_one_flattens() -> None:
    squared = [p**2 for p in (0.4, 0.3, 0.2, 0.1)]
    assert drawn(plain(temperature=0.5)) == pytest.approx([p / sum(squared) for p in squared])
    assert drawn(plain(temperature=10.0)) == pytest.approx([0.25] * 4, abs=0.03)
    assert drawn(plain(temperature=1e-3)) == pytest.approx([1, 0, 0, 0])


def test_top_k_leaves_the_k_likeliest() -> None:
    assert drawn(plain(top_k=2)) == pytest.approx([4 / 7, 3 / 7, 0, 0])
    assert drawn(plain(top_k=1)) == [1, 0, 0, 0]
    assert drawn(plain(top_k=99)) == pytest.approx([0.4, 0.3, 0.2, 0.1])


def test_top_p_leaves_the_nucleus() -> None:
    assert drawn(plain(top_p=0.39)) == [1, 0, 0, 0]
    assert drawn(plain(top_p=0.65)) == pytest.approx([4 / 7, 3 / 7, 0, 0])
    assert drawn(plain(top_p=0.85)) == pytest.approx([4 / 9, 3 / 9, 2 / 9, 0])
    assert drawn(plain(top_p=1.0)) == pytest.approx([0.4, 0.3, 0.2, 0.1])


def test_min_p_leaves_what_is_likely_enough_beside_the_likeliest() -> None:
    assert drawn(plain(min_p=1.0)) == [1, 0, 0, 0]
    assert drawn(plain(min_p=0.7)) == pytest.approx([4 / 7, 3 / 7, 0, 0])
    assert drawn(plain(min_p=0.3)) == pytest.approx([4 / 9, 3 / 9, 2 / 9, 0])
    assert drawn(plain(min_p=0.0)) == pytest.approx([0.4, 0.3, 0.2, 0.1])


def test_top_p_finds_the_likeliest_wherever_they_stand() -> None:
    logits = torch.tensor([[0.1, 0.4, 0.2, 0.3], [0.3, 0.1, 0.4, 0.2]]).log()
    shares = probabilities(logits, ALL.expand(2, 4), NONE.expand(2, 4), plain(top_p=0.65))
    assert shares[0].tolist() == pytest.approx([0, 4 / 7, 0, 3 / 7])
    assert shares[1].tolist() == pytest.approx([3 / 7, 0, 4 / 7, 0])


def test_top_p_comes_after_top_k() -> None:
    assert drawn(plain(top_k=2, top_p=0.5)) == [1, 0, 0, 0]


def test_illegal_tokens_are_never_drawn_however_likely() -> None:
    legal = torch.tensor([[False, True, False, True]])
    assert drawn(plain(), legal) == pytest.approx([0, 0.75, 0, 0.25])
    assert drawn(plain(top_k=1), legal) == [0, 1, 0, 0]
    assert drawn(plain(top_p=0.1), legal) == [0, 1, 0, 0]
    assert drawn(plain(top_k=3), legal) == pytest.approx([0, 0.75, 0, 0.25])


def test_repetition_penalty_divides_the_odds() -> None:
    recent = torch.tensor([[True, False, False, False]])
    assert drawn(plain(repetition_penalty=2.0), recent=recent) == pytest.approx(
        [0.25, 0.375, 0.25, 0.125]
    )


NOTES = torch.tensor([True, False, True, True])  # 0.4, 0.2 and 0.1: 0.7 in all


def test_a_temperature_of_pitches_shares_out_what_notes_have() -> None:
    squared = [0.4**2, 0.2**2, 0.1**2]
    cold = [0.7 * share / sum(squared) for share in squared]
    expected = [cold[0], 0.3, *cold[1:]]
    assert drawn(plain(pitch_temperature=0.5), notes=NOTES) == pytest.approx(expected)
    hot = drawn(plain(pitch_temperature=10.0), notes=NOTES)
    assert hot == pytest.approx([0.7 / 3, 0.3, 0.7 / 3, 0.7 / 3], abs=0.03)


def test_a_nucleus_of_pitches_is_of_notes_alone() -> None:
    assert drawn(plain(pitch_top_p=0.5), notes=NOTES) == pytest.approx([0.7, 0.3, 0, 0])
    two = [0.7 * 4 / 6, 0.3, 0.7 * 2 / 6, 0]
    assert drawn(plain(pitch_top_p=0.8), notes=NOTES) == pytest.approx(two)
    assert drawn(plain(pitch_top_p=1.0), notes=NOTES) == pytest.approx([0.4, 0.3, 0.2, 0.1])


def test_the_nucleus_of_pitches_is_of_what_their_temperature_makes() -> None:
    # squared, the first of the three has 16 of 21
    settings = plain(pitch_temperature=0.5, pitch_top_p=0.7)
    assert drawn(settings, notes=NOTES) == pytest.approx([0.7, 0.3, 0, 0])


def test_without_notes_settings_of_pitches_change_nothing() -> None:
    settings = plain(pitch_temperature=0.5, pitch_top_p=0.5)
    assert drawn(settings) == pytest.approx([0.4, 0.3, 0.2, 0.1])
    legal = torch.tensor([[False, True, False, False]])
    assert drawn(settings, legal, notes=NOTES) == [0, 1, 0, 0]
    assert drawn(settings, notes=~ALL[0]) == pytest.approx([0.4, 0.3, 0.2, 0.1])
    assert drawn(plain(pitch_temperature=0.5), notes=ALL[0]) == pytest.approx(
        drawn(plain(temperature=0.5))
    )


def test_what_a_head_says_of_notes_comes_before_what_the_sampler_knows() -> None:
    settings = plain(pitch_top_p=0.01)  # the likeliest note alone
    logits = SHARES.log().expand(2000, 4)

    def kinds(notes: Tensor | None) -> list[int]:
        sampler = Sampler(settings, torch.Generator().manual_seed(1), notes=NOTES)
        return sorted(set(sampler.categorical(logits, notes).tolist()))

    assert kinds(None) == [0, 1]
    assert kinds(torch.tensor([False, False, True, True])) == [0, 1, 2]


@given(
    logits=st.lists(st.floats(-50, 50), min_size=6, max_size=6),
    legal=st.lists(st.booleans(), min_size=6, max_size=6).filter(any),
    recent=st.lists(st.booleans(), min_size=6, max_size=6),
    temperature=st.floats(0.01, 10),
    top_k=st.none() | st.integers(1, 8),
    top_p=st.none() | st.floats(0.01, 1),
    penalty=st.floats(1, 10),
    of_pitches=st.tuples(st.floats(0.01, 10), st.none() | st.floats(0.01, 1)),
    notes=st.none() | st.lists(st.booleans(), min_size=6, max_size=6),
)
@with_settings(deadline=None)
def test_it_is_always_a_distribution_over_legal_tokens(
    logits: list[float],
    legal: list[bool],
    recent: list[bool],
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    penalty: float,
    of_pitches: tuple[float, float | None],
    notes: list[bool] | None,
) -> None:
    settings = plain(
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        repetition_penalty=penalty,
    )
    allowed, known = torch.tensor([legal]), None if notes is None else torch.tensor(notes)
    given_these = (torch.tensor([logits]), allowed, torch.tensor([recent]))
    plainly = probabilities(*given_these, settings)
    settings = replace(settings, pitch_temperature=of_pitches[0], pitch_top_p=of_pitches[1])
    shares = probabilities(*given_these, settings, known)
    if known is not None:  # whether a note begins is untouched, and which other token comes
        torch.testing.assert_close(shares[:, known].sum(), plainly[:, known].sum())
        torch.testing.assert_close(shares[:, ~known], plainly[:, ~known])
    else:
        assert torch.equal(shares, plainly)
    assert math.isclose(float(shares.sum()), 1.0, rel_tol=1e-5)
    assert torch.all(shares >= 0)
    assert torch.all(shares[~allowed] == 0)


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_nothing_is_drawn_by_what_is_no_number(wrong: float) -> None:
    sampler = Sampler(plain(), torch.Generator().manual_seed(1))
    logits = torch.tensor([[0.0, wrong, 1.0]])
    for draw in (sampler.categorical, sampler.bernoulli):
        with pytest.raises(UserError, match="its probabilities are no numbers"):
            draw(logits)
    assert sampler.categorical(torch.tensor([[0.0, -math.inf]])).tolist() == [0]


def test_rows_are_drawn_by_their_probabilities() -> None:
    shares = torch.tensor([[0.0, 0.25, 0.75, 0.0], [1.0, 0.0, 0.0, 0.0], [0.1, 0.2, 0.3, 0.4]])
    many = shares.repeat_interleave(20_000, dim=0).double()
    drawn = draw_rows(many, torch.Generator().manual_seed(3)).view(3, -1)
    counts = torch.stack([torch.bincount(row, minlength=4) for row in drawn]) / 20_000
    torch.testing.assert_close(counts, shares, atol=0.012, rtol=0)
    assert torch.all(counts[shares == 0] == 0)


def test_of_tokens_that_are_as_likely_none_is_left_out_of_a_nucleus() -> None:
    even = torch.tensor([[0.25, 0.25, 0.25, 0.25]]).log()
    shares = probabilities(even, ALL, None, plain(top_p=0.3))
    assert shares[0].tolist() == pytest.approx([0.25] * 4)


def test_nothing_is_drawn_where_no_legal_token_has_a_probability() -> None:
    legal = torch.tensor([[True, False], [False, True]])
    sampler = Sampler(plain(), torch.Generator().manual_seed(1), legal)
    with pytest.raises(UserError, match="every token that may come next probability 0"):
        sampler.categorical(torch.tensor([[0.0, 1.0], [0.0, -math.inf]]))

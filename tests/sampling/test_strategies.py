"""From logits to the distribution that is drawn from."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from defaults import build
from ostinato.errors import UserError
from ostinato.sampling.settings import Sampling
from ostinato.sampling.strategies import Sampler, probabilities

SHARES = torch.tensor([[0.4, 0.3, 0.2, 0.1]])
ALL = torch.ones(1, 4, dtype=torch.bool)
NONE = ~ALL


def plain(**settings: Any) -> Sampling:
    """The settings, where all but these leave what the model says as it is."""
    return build("sampling=ancestral", **{"temperature": 1.0, "top_p": None, **settings})


def drawn(settings: Sampling, legal: Tensor = ALL, recent: Tensor = NONE) -> list[float]:
    shares: list[float] = probabilities(SHARES.log(), legal, recent, settings)[0].tolist()
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


@given(
    logits=st.lists(st.floats(-50, 50), min_size=6, max_size=6),
    legal=st.lists(st.booleans(), min_size=6, max_size=6).filter(any),
    recent=st.lists(st.booleans(), min_size=6, max_size=6),
    temperature=st.floats(0.01, 10),
    top_k=st.none() | st.integers(1, 8),
    top_p=st.none() | st.floats(0.01, 1),
    penalty=st.floats(1, 10),
)
def test_it_is_always_a_distribution_over_legal_tokens(
    logits: list[float],
    legal: list[bool],
    recent: list[bool],
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    penalty: float,
) -> None:
    settings = plain(
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        repetition_penalty=penalty,
    )
    allowed = torch.tensor([legal])
    shares = probabilities(torch.tensor([logits]), allowed, torch.tensor([recent]), settings)
    assert math.isclose(float(shares.sum()), 1.0, rel_tol=1e-9)
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

"""The head that scores pitches by their intervals from what sounds."""

import pytest
import torch

from ostinato.config import compose
from ostinato.errors import ConfigError
from ostinato.models.bundle import build_network
from ostinato.models.heads.intervals import Intervals
from ostinato.models.steps import Steps
from ostinato.representations.voices import Voices

WIDTH = 6
VOICES = Voices()


def head_of(reach: int = 30) -> Intervals:
    torch.manual_seed(0)
    steps = Steps("tokens", VOICES.size, VOICES.position_sizes)
    head = Intervals(reach=reach, input_size=WIDTH, steps=steps).eval()
    torch.nn.init.normal_(head.intervals.weight)  # it begins at 0
    return head


def logits_of(head: Intervals, sounding: list[int]) -> torch.Tensor:
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


def test_voices_that_are_not_as_many_as_the_groups_are_refused() -> None:
    three = Voices(voices=3)
    config = compose(["model=interleaved", "representation.voices=3"])
    with pytest.raises(ConfigError, match=r"backbone.period=4 does not fit: it should be 3"):
        build_network(config, three)
    matching = compose(["model=interleaved", "representation.voices=3", "model.backbone.period=3"])
    assert build_network(matching, three)

"""Models of interleaved voices: every backbone goes within, and without the parts plainly."""

from typing import Any

import numpy as np
import pytest
import torch

from defaults import build
from ostinato.config import Config, compose
from ostinato.models.bundle import build_network, to_spec
from ostinato.models.heads.softmax import Softmax
from ostinato.models.inputs import Embedding
from ostinato.models.sequence import SequenceModel
from ostinato.models.voices.head import VoicesHead
from ostinato.models.voices.input import VoicesInput
from ostinato.models.voices.interleaved import Interleaved
from ostinato.representations.voices import Voices
from ostinato.sampling.sequence import compose as draw

BACKBONES = ("rnn", "gru", "lstm", "transformer", "tcn", "wavenet")


def built(*overrides: str) -> tuple[SequenceModel, Any]:
    config = compose(["model.size=tiny", *overrides])
    representation = config.build("representation")
    torch.manual_seed(0)
    network = build_network(config, representation)
    assert isinstance(network, SequenceModel)
    for parameter in network.head.parameters():  # its scores begin at 0
        torch.nn.init.normal_(parameter, std=0.1)
    return network.eval(), representation


def tokens_of(voices: Voices, steps: int, seed: int = 0) -> np.ndarray:
    """The end token that begins a piece, and random legal tokens."""
    random, grammar = np.random.default_rng(seed), voices.grammar(1)
    tokens = [voices.end if voices.end is not None else 60]
    for _ in range(steps * voices.voices):
        legal = np.flatnonzero(grammar.legal()[0, :130])
        tokens.append(int(random.choice(legal[(legal >= 55) & (legal < 65) | (legal > 127)])))
        grammar.advance(np.array(tokens[-1:]))
    return np.array(tokens)


def inputs_of(voices: Voices, tokens: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    positions = torch.from_numpy(voices.positions(tokens).astype(np.int64))
    return torch.from_numpy(tokens.astype(np.int64))[None], positions[None]


@pytest.mark.parametrize("voices", [1, 4])
@pytest.mark.parametrize("model", BACKBONES)
@torch.no_grad()
def test_every_backbone_says_the_same_at_once_and_step_by_step(model: str, voices: int) -> None:
    network, representation = built(f"model={model}", f"representation.voices={voices}")
    assert isinstance(network.backbone, Interleaved)
    assert network.backbone.period == voices
    steps, positions = inputs_of(representation, tokens_of(representation, 24 // voices))
    whole, _ = network(steps, positions)
    parts, state = [], None
    for t in range(steps.shape[1]):
        logits, state = network(steps[:, t : t + 1], positions[:, t : t + 1], state=state)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-4, rtol=1e-4)
    changed = steps.clone()
    changed[:, 13:] = 61
    later = whole[:, :13]
    torch.testing.assert_close(network(changed, positions)[0][:, :13], later, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_a_step_is_made_by_the_weights_that_were_loaded_last() -> None:
    network, representation = built("model=lstm")
    steps, positions = inputs_of(representation, tokens_of(representation, 2))
    network(steps[:, :1], positions[:, :1])
    others = {name: torch.randn_like(weight) for name, weight in network.state_dict().items()}
    network.load_state_dict(others)
    step, _ = network(steps[:, :1], positions[:, :1])
    whole, _ = network(steps, positions)
    torch.testing.assert_close(step, whole[:, :1], rtol=1e-4, atol=1e-3)


def test_the_backbone_of_the_model_is_the_outer_one() -> None:
    network, voices = built("model=lstm", "model.backbone.hidden_size=24")
    assert isinstance(network.backbone, Interleaved)
    assert network.backbone.outer.output_size == 24
    assert isinstance(network.input, VoicesInput)
    assert isinstance(network.head, VoicesHead)
    assert network.spec == to_spec(voices)
    assert network.spec.layout == "voices"


EMPTY = [f"representation.history.{name}" for name in ("phrases=0", "half_lives=[]", "repeats=[]")]


@pytest.mark.parametrize("words", [["representation.history=null"], EMPTY], ids=["none", "empty"])
def test_a_model_takes_voices_without_a_history(words: list[str]) -> None:
    network, voices = built("model=gru", *words)
    steps, positions = inputs_of(voices, tokens_of(voices, 3))
    with torch.no_grad():
        assert network(steps, positions)[0].shape == (1, 13, voices.size)


def test_without_parts_for_voices_they_are_tokens_as_any_other() -> None:
    network, voices = built("model=lstm", "model.voices=null")
    assert type(network.input) is Embedding
    assert type(network.head) is Softmax
    assert not isinstance(network.backbone, Interleaved)
    assert network.backbone.period == 1
    steps, positions = inputs_of(voices, tokens_of(voices, 3))
    with torch.no_grad():
        assert network(steps, positions)[0].shape == (1, 13, voices.size)


@pytest.mark.parametrize("representation", ["event", "pitch", "remi", "pianoroll"])
def test_other_representations_are_what_they_are_without_the_parts(representation: str) -> None:
    config = compose(["model=lstm", "model.size=tiny", f"representation={representation}"])
    assert config["model.voices"] is not None
    parted = config.build("representation")
    without = Config({**config.tree, "model": {**config["model"], "voices": None}})
    weights = []
    for each in (config, without):
        torch.manual_seed(0)
        weights.append(build_network(each, parted).state_dict())
    assert list(weights[0]) == list(weights[1])
    assert not any(name.startswith("backbone.outer") for name in weights[0])
    for name, weight in weights[0].items():
        assert torch.equal(weight, weights[1][name]), name


def test_one_voice_alone_is_learned_and_drawn() -> None:
    network, voices = built("model=gru", "representation.voices=1")
    tokens = np.concatenate([tokens_of(voices, 48), tokens_of(voices, 48)])
    steps, positions = inputs_of(voices, tokens)
    network.train()
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = network.nll(steps[:, :-1], positions[:, :-1], steps[:, 1:]).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 1.5
    settings = build("sampling=ancestral", pieces=2, candidates=2, min_bars=0, max_bars=2)
    for piece in draw(network, voices, settings, seed=1):
        assert len(voices.decode(piece.steps).notes)


def test_groups_are_as_many_tokens_as_there_are_voices() -> None:
    """A backbone with a period of its own must have that of the voices."""
    voices = build("representation=voices", voices=3)

    class OfFour(torch.nn.Module):
        period, output_size = 4, 8

    with pytest.raises(ValueError, match=r"period=4 does not fit: it should be 3"):
        build(
            "model=gru",
            **{
                "input": lambda spec: Embedding(8, spec=spec),
                "head": lambda input_size, spec: Softmax(0.0, input_size=input_size, spec=spec),
                "backbone": lambda **_: OfFour(),
                "voices": None,
            },
            spec=to_spec(voices),
        )

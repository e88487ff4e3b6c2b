"""Tokens per second of composing, beside a bare loop that only steps the same network.

Its recurrent layers are stepped as loops in PyTorch do it, by calling torch.nn.LSTM; for `own_step`
by the cell's kernel, as Ostinato does for few pieces.
Networks have the sizes of conf/model and are not trained: what they draw does not matter here, and
no piece ends by itself. Rows that have reached the last bar are padded, and count like the others.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from limits import read_bandwidth
from peers import PEER, gpt2_generates

from ostinato.config import compose as compose_config
from ostinato.config import conf_folder
from ostinato.models.bundle import build_network
from ostinato.models.recurrent import Recurrent
from ostinato.sampling.sequence import compose
from ostinato.sampling.settings import Sampling

STEPS = 512
PIECES = (1, 16, 256)
MANY = 16  # pieces of the comparison with a plain model
ROOT = Path(__file__).parents[2]
MODELS = (("lstm", "voices"), ("lstm", "event"), ("transformer", "event"))
BARS = {"voices": 8, "event": 320}  # in which an untrained network draws about so many tokens
NEVER = -1e9  # the logit of the end token
WINDOWS = 4  # passes of a whole window that are timed

Draw = Callable[[], int]
"""What is timed: it returns how many tokens it has drawn."""


@dataclass(frozen=True)
class Composer:
    """A network that never ends a piece, and how it is sampled."""

    network: Any
    representation: Any
    settings: Sampling

    @classmethod
    def of(cls, model: str, representation: str, pieces: int) -> "Composer":
        """Return the composer of a model and a representation of conf/."""
        chosen = ["~experiment", f"model={model}", f"representation={representation}"]
        return cls.of_config(chosen, pieces, BARS[representation])

    @classmethod
    def of_config(cls, words: list[str], pieces: int, bars: int) -> "Composer":
        """Return the composer of a config."""
        asked = [f"sampling.pieces={pieces}", f"sampling.max_bars={bars}", "sampling.candidates=1"]
        config = compose_config([*words, *asked], conf_folder(ROOT))
        built = config.build("representation")
        torch.manual_seed(0)
        network: Any = build_network(config, built).eval()
        with torch.no_grad():
            network.head.logits.bias[built.end] = NEVER
        return cls(network, built, config.build("sampling"))

    def compose(self) -> int:
        """Compose as `ostinato generate` does, without writing files."""
        drawn = compose(self.network, self.representation, self.settings, 1)
        return len(drawn) * max(len(one.steps) for one in drawn)

    def warm_up(self) -> None:
        """Compose a bar, so that nothing is timed that happens once."""
        compose(self.network, self.representation, replace(self.settings, max_bars=1), 1)

    @torch.inference_mode()
    def step(self, steps: int) -> int:
        """Step the network alone, on the same token each time."""
        pieces = self.settings.pieces
        tokens, positions = self._inputs(1)
        state = None
        for _ in range(steps):
            _, state = self.network(tokens, positions, state=state)
        return steps * pieces

    def step_modules(self, steps: int) -> int:
        """Step the network alone, its recurrent layers by torch.nn.LSTM and the like."""
        recurrent = [part for part in self.network.modules() if isinstance(part, Recurrent)]
        for part in recurrent:
            part.few = 0
        try:
            return self.step(steps)
        finally:
            for part in recurrent:
                del part.few

    @torch.inference_mode()
    def rerun(self, steps: int) -> int:
        """Run a whole window for each token, as a loop without a state does."""
        tokens, positions = self._inputs(steps)
        for _ in range(WINDOWS):
            self.network(tokens, positions)
        return WINDOWS * self.settings.pieces

    def _inputs(self, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
        pieces = self.settings.pieces
        tokens = torch.zeros((pieces, steps), dtype=torch.long)
        positions = torch.from_numpy(self.representation.grammar(pieces).positions())
        return tokens, positions[:, None].expand(-1, steps, -1)


def measure(rounds: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each model and number of pieces: rates, and medians of ratios by round."""
    for model, representation in MODELS:
        for pieces in PIECES:
            yield {
                "model": model,
                "representation": representation,
                "pieces": pieces,
                **_measure(Composer.of(model, representation, pieces), model, rounds),
            }
    yield _beside_plain(rounds)


def _beside_plain(rounds: int) -> dict[str, Any]:
    """Return a row of the best model of chorales, which matches its history at each step."""
    bars, words = BARS["voices"], ["experiment=jsb16_best"]
    best = Composer.of_config(words, MANY, bars)
    plain = Composer.of("gru", "voices", MANY)
    best.warm_up()
    plain.warm_up()
    found = [(_rate(best.compose), _rate(plain.compose)) for _ in range(rounds)]
    return {
        "model": "jsb16_best",
        "representation": "voices",
        "pieces": MANY,
        "ostinato_per_second": round(median(ours for ours, _ in found), 1),
        "plain_per_second": round(median(plain for _, plain in found), 1),
        "over_plain": round(median(ours / plain for ours, plain in found), 3),
    }


def _measure(composer: Composer, model: str, rounds: int) -> dict[str, Any]:
    pieces = composer.settings.pieces
    steps = composer.compose() // pieces  # the first time, which is not timed
    rivals: dict[str, Draw] = {
        "ostinato": composer.compose,
        "bare": lambda: composer.step_modules(steps),
    }
    if model == "lstm":
        rivals["own_step"] = lambda: composer.step(steps)
    if pieces == 1:
        rivals["window"] = lambda: composer.rerun(STEPS)
    if model == "transformer" and (generate := gpt2_generates(composer.network, pieces, STEPS)):
        rivals[PEER] = generate
    found = [{name: _rate(draw) for name, draw in rivals.items()} for _ in range(rounds)]
    row: dict[str, Any] = {"steps": steps}
    for name in rivals:
        row[f"{name}_per_second"] = round(median(one[name] for one in found), 1)
    if pieces == 1:  # no step is faster than its weights are read
        size = 4 * sum(weight.numel() for weight in composer.network.parameters())
        row["weights_mib"] = round(size / 2**20, 1)
        row["of_reading"] = round(row["ostinato_per_second"] * size / read_bandwidth(size), 3)
    for name in list(rivals)[1:]:
        row[f"over_{name}"] = round(median(one["ostinato"] / one[name] for one in found), 3)
    return row


def _rate(draw: Draw) -> float:
    start = time.perf_counter()
    tokens = draw()
    return tokens / (time.perf_counter() - start)

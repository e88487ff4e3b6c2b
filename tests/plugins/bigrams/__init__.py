"""A family of models outside ostinato: the next token depends on the last one alone."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import pytorch_lightning as pl
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ostinato.config import Config
from ostinato.data.datamodule import MusicData
from ostinato.data.windows import IGNORED, Batch, WindowSettings
from ostinato.evaluation.verdict import Verdict
from ostinato.methods.base import (
    EvaluationTask,
    Findings,
    Method,
    Sample,
    Samples,
    SamplingTask,
    TrainingTask,
)
from ostinato.models.steps import SequenceSpec
from ostinato.training.module import MethodModule
from ostinato.training.monitor import Monitor
from ostinato.training.settings import Training

MONITOR = Monitor("bits_per_token", "bits per token", "bits per token")
TEST_METRIC = "test_bits_per_token"


class Bigrams(nn.Module):
    """A table of the logits of each token after each other: (size, size)."""

    takes = frozenset({"tokens"})

    def __init__(
        self,
        scale: Annotated[float, Field(ge=0, description="of the first random logits")],
        *,
        spec: SequenceSpec,
    ) -> None:
        super().__init__()
        self.logits = nn.Parameter(scale * torch.randn(spec.size, spec.size))

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (batch, time) -> logits of those that follow (batch, time, size)."""
        return self.logits[tokens]

    def bits(self, batch: Batch) -> Tensor:
        """Return the mean bits per token of a batch."""
        logits = self(batch.inputs).flatten(0, 1)
        return cross_entropy(logits, batch.targets.flatten(), ignore_index=IGNORED) / np.log(2)


@dataclass(frozen=True)
class BigramTraining(Training):
    """How the table is trained."""

    step_size: Annotated[float, Field(gt=0, description="of plain gradient descent")]


class BigramModule(MethodModule):
    """Minimises the bits per token."""

    monitor = MONITOR
    advice = "lower training.step_size"

    def __init__(self, network: Bigrams, step_size: float) -> None:
        super().__init__()
        self.network, self.step_size = network, step_size

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = self.network.bits(batch)
        self.add("train", float(loss), 1)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self.add("validation", float(self.network.bits(batch)), 1)

    def on_validation_epoch_end(self) -> None:
        self.log(f"validation_{MONITOR.name}", self.mean("validation"))

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.network.parameters(), self.step_size)

    def mean(self, part: str) -> Tensor:
        total, batches = self.take(part)
        return torch.tensor(total / batches)


class BigramMethod(Method):
    """Trains tables of bigrams and samples from them, token by token."""

    test_metric = TEST_METRIC
    instead: ClassVar = {"training.learning_rate": "training.step_size"}

    @classmethod
    def monitor(cls, unit: str) -> Monitor:
        return MONITOR

    def unread(self, config: Config) -> Collection[str]:
        return ("sampling.top_k", "sampling.top_p", "sampling.min_p", "evaluation.smoothing")

    def data(self, task: TrainingTask, network: Bigrams) -> pl.LightningDataModule:
        its = task.config.build("training")
        windows = WindowSettings(64, its.batch_size, its.transpose, task.seed)
        return MusicData(task.store, task.training, task.validation, task.representation, windows)

    def module(self, task: TrainingTask, network: Bigrams) -> BigramModule:
        return BigramModule(network, task.config.build("training").step_size)

    @torch.no_grad()
    def sample(self, task: SamplingTask) -> Samples:
        network: Any = task.bundle.network
        representation: Any = task.bundle.representation
        random, samples = torch.Generator().manual_seed(task.seed), []
        for number in range(1, task.settings.pieces + 1):
            grammar, tokens = representation.grammar(1), [representation.end]
            while grammar.quarters[0] < 4 * task.settings.max_bars:
                legal = torch.from_numpy(grammar.legal()[0])
                legal[representation.end] &= len(tokens) > 1
                logits = network.logits[tokens[-1]].masked_fill(~legal, -torch.inf)
                tokens.append(int(torch.multinomial(logits.softmax(0), 1, generator=random)))
                if tokens[-1] == representation.end:
                    break
                grammar.advance(np.array(tokens[-1:]))
            ended = tokens.pop() == representation.end if len(tokens) > 1 else False
            piece = representation.decode(np.array(tokens[1:], np.uint16), f"sample-{number:02d}")
            samples.append(Sample(piece, ended))
        return Samples(samples)

    @torch.no_grad()
    def evaluate(self, task: EvaluationTask) -> Findings:
        network: Any = task.bundle.network
        pieces = [task.store.piece(i) for i in task.store.indices(task.split["test"])]
        rows = [torch.from_numpy(tokens.astype(np.int64)) for tokens in pieces]
        logits = torch.cat([network(row[:-1]) for row in rows])
        bits = float(cross_entropy(logits, torch.cat([row[1:] for row in rows])) / np.log(2))
        return Findings(
            summary=f"{bits:.3f} bits per token of the test split",
            verdict=Verdict(f"{bits:.2f} bits per token"),
            metrics={"test": {"bits_per_token": bits}},
            figures={TEST_METRIC: bits},
        )

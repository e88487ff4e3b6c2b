"""The module that trains a generator and its critic against each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ostinato.methods.adversarial.settings import AdversarialTraining
from ostinato.methods.segments.cutting import JUDGED
from ostinato.methods.segments.module import SegmentModule
from ostinato.methods.segments.monitoring import OVERLAP, PARTS
from ostinato.models.adversarial.gan import GAN
from ostinato.models.adversarial.voice import Relaxation
from ostinato.models.segments import OneHotRoll
from ostinato.representations.voice_roll import VoiceRoll
from ostinato.sampling.voice_rolls import draw_segments, to_one_hot
from ostinato.training.optimizers import rate
from ostinato.training.timer import progress


@dataclass(frozen=True)
class Judgement:
    """Generated segments against real ones.

    overlap: the mean overlapping area of their features; generated, real: of each set by itself,
    `diversity`, `empty_bars` and `qualified_notes`, each from 0 to 1.
    """

    overlap: float
    generated: Mapping[str, float]
    real: Mapping[str, float]


Judge = Callable[[VoiceRoll, VoiceRoll], Judgement]


class AdversarialModule(SegmentModule):
    """Trains a GAN by its objective: a step of the critic a batch, one of the generator in some.

    It is judged by segments of the same noise in every epoch, against real ones of the training
    pieces and of the validation pieces, from which is also taken what is given to it. Everything
    that is drawn comes from torch's own generator, the state of which follows from seed and epoch.
    """

    automatic_optimization = False
    monitor = OVERLAP

    def __init__(
        self, network: GAN, training: AdversarialTraining, judge: Judge, seed: int
    ) -> None:
        super().__init__()
        self.network, self.critic = network, network.new_critic()
        self.training_settings, self.judge = training, judge
        self.averaging, self.advice = training.averaging, self._advise()
        fixed = network.noise(JUDGED, torch.Generator().manual_seed(seed))
        self.fixed: Tensor
        self.register_buffer("fixed", fixed, persistent=False)
        self.judgements: dict[str, Judgement] = {}
        self.losses: dict[str, Tensor] = {}

    def _advise(self) -> str:
        settings, penalty = self.training_settings, self.network.objective.penalty
        return (
            f"lower training.generator_rate ({settings.generator_rate:g}) and "
            f"training.critic_rate ({settings.critic_rate:g}), or raise "
            f"model.objective.penalty ({penalty:g})"
        )

    def training_step(self, batch: VoiceRoll, batch_idx: int) -> None:
        """One step of the critic; after the last of so many, one of the generator."""
        self.losses = {}
        done, whole = self._progress(batch_idx)
        relaxation = self.network.objective.relaxation_at(done / whole)
        for optimizer, highest in zip(self._optimizers(), self._rates(), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = highest * rate(self.training_settings, done, whole)
        self._critic_step(batch, relaxation)
        if (batch_idx + 1) % self.network.objective.critic_steps == 0:
            self._generator_step(batch, relaxation)

    def _critic_step(self, batch: VoiceRoll, relaxation: Relaxation) -> None:
        _, optimizer = self._optimizers()
        real = self._to_one_hot(batch)
        with torch.no_grad():
            fake = self.network(self._noise(len(batch)), relaxation, real)
        loss, gap, penalty = self.network.objective.critic_loss(self.critic, real, fake)
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        self._sum_up(len(batch), critic_gap=gap, gradient_penalty=penalty)

    def _generator_step(self, batch: VoiceRoll, relaxation: Relaxation) -> None:
        optimizer, _ = self._optimizers()
        real = self._to_one_hot(batch)
        self.critic.requires_grad_(False)
        loss = -self.critic(self.network(self._noise(len(batch)), relaxation, real)).mean()
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        self.critic.requires_grad_(True)
        self._sum_up(len(batch), generator_loss=loss.detach())

    def on_train_epoch_end(self) -> None:
        """Log the means of both networks' losses over the epoch."""
        sums = {name: self.take(name) for name in list(self.sums)}
        self.log_dict({name: total / count for name, (total, count) in sums.items()})

    def validation_step(self, batch: VoiceRoll, batch_idx: int) -> None:
        """Set what the fixed noise gives against real segments: of training, then of validation."""
        if batch_idx == 0:
            self.judgements = {}
        if batch_idx == 0 or self.network.condition_mask is not None:
            self.generated = draw_segments(self.network, self.fixed, batch.repeat(len(self.fixed)))
        assert self.generated is not None
        self.judgements[PARTS[batch_idx]] = self.judge(self.generated, batch)

    def on_validation_epoch_end(self) -> None:
        """Log how the segments were judged."""
        if "validation" in self.judgements:
            overlap = self.judgements["validation"].overlap
            self.log(f"validation_{self.monitor.name}", overlap, prog_bar=True)
        self.log_dict(dict(self.judgements["train"].generated))

    def configure_optimizers(self) -> Any:
        """Adam for the generator and for the critic."""
        betas = self.training_settings.betas
        parts = (self.network, self.critic)
        return [
            torch.optim.Adam(part.parameters(), highest, betas=betas)
            for part, highest in zip(parts, self._rates(), strict=True)
        ]

    def mean(self, part: str) -> Tensor | None:
        """The overlap with real segments of `train` or `validation`, where it was judged."""
        judgement = self.judgements.pop(part, None)
        return None if judgement is None else torch.tensor(judgement.overlap)

    def _progress(self, batch_idx: int) -> tuple[int, int]:
        """Return how far the training is, of how far it goes."""
        done, whole = progress(self.training_settings, self.trainer)
        steps = self.trainer.current_epoch * int(self.trainer.num_training_batches) + batch_idx
        return done(steps), whole

    def _optimizers(self) -> Any:
        return self.optimizers()

    def _rates(self) -> tuple[float, float]:
        return self.training_settings.generator_rate, self.training_settings.critic_rate

    def _to_one_hot(self, batch: VoiceRoll) -> OneHotRoll:
        return to_one_hot(batch, self.network.spec, self.device)

    def _noise(self, count: int) -> Tensor:
        return self.network.noise(count).to(self.device)

    def _sum_up(self, batch_size: int, **values: Tensor) -> None:
        self.losses |= {name.replace("_", " "): value for name, value in values.items()}
        for name, value in values.items():
            self.add(name, value.detach().double() * batch_size, batch_size)

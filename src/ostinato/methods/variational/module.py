"""The module that trains a variational autoencoder of segments."""

from typing import Any

import torch
from torch import Tensor

from ostinato.methods.segments.module import SegmentModule
from ostinato.methods.segments.monitoring import OBJECTIVE, PARTS
from ostinato.methods.variational.settings import VariationalTraining
from ostinato.models.variational.vae import VAE
from ostinato.representations.voice_roll import VoiceRoll
from ostinato.sampling.voice_rolls import draw_segments, encode
from ostinato.training.divergence import advise
from ostinato.training.optimizers import create_optimizer
from ostinato.training.timer import progress

SHOWN = 4  # segments of the prior


class VariationalModule(SegmentModule):
    """Trains a VAE by its objective, in nats per token.

    The best weights are chosen by the objective at its full weight: the bound alone is best where
    latent vectors say nothing yet. Both are of the same noise in every epoch, of segments of the
    training pieces and of the validation pieces.
    """

    monitor = OBJECTIVE

    def __init__(self, network: VAE, training: VariationalTraining, seed: int) -> None:
        super().__init__()
        self.network, self.training_settings, self.seed = network, training, seed
        self.averaging = training.averaging
        self.advice, self.gradient_clip = advise(training), training.gradient_clip
        shown = network.noise(SHOWN, torch.Generator().manual_seed(seed))
        self.shown: Tensor
        self.register_buffer("shown", shown, persistent=False)
        self.costs: dict[str, Tensor] = {}

    def training_step(self, batch: VoiceRoll, batch_idx: int) -> Tensor:
        """Return what a batch costs, by token."""
        del batch_idx
        done, whole = progress(self.training_settings, self.trainer)
        share = done(self.trainer.global_step) / whole
        objective, tokens = self.network.objective, self._encode(batch)
        noise = torch.randn(len(batch), self.network.latent_size, device=self.device)
        nll, kl = self.network(tokens, noise, objective.scheduled_sampling_rate(share))
        cost: Tensor = objective.cost(nll, kl.sum(dim=1), share).mean() / self.network.tokens
        self.log_dict(
            {"train_step_nll": nll.detach().mean(), "train_step_kl": kl.detach().sum(1).mean()},
            on_step=True,
            on_epoch=False,
            batch_size=len(batch),
        )
        return cost

    def validation_step(self, batch: VoiceRoll, batch_idx: int) -> None:
        """Score segments of the training pieces, then of the validation pieces."""
        part, count = PARTS[batch_idx], len(batch)
        generator = torch.Generator().manual_seed(self.seed)
        noise = self.network.noise(count, generator).to(self.device)
        tokens = self._encode(batch)
        nll, kl = self.network(tokens, noise)
        terms = {
            self.monitor.name: self.network.objective.cost(nll, kl.sum(dim=1)),
            "elbo_nats_per_token": nll + kl.sum(dim=1),
            "nll_nats_per_token": nll,
            "kl_nats_per_token": kl.sum(dim=1),
        }
        means = {name: of.mean() / self.network.tokens for name, of in terms.items()}
        self.costs[part] = means.pop(self.monitor.name)
        logged = {f"{part}_{name}": value for name, value in means.items()}
        self.log_dict(logged, batch_size=count)

    def on_validation_epoch_end(self) -> None:
        """Log the monitored metric, and draw what is shown of the prior."""
        if "validation" in self.costs:
            self.log(f"validation_{self.monitor.name}", self.costs["validation"], prog_bar=True)
        self.generated = draw_segments(self.network, self.shown)

    def _encode(self, batch: VoiceRoll) -> Tensor:
        return encode(batch, self.network.spec, self.device)

    def configure_optimizers(self) -> Any:
        """Return an optimizer whose schedule moves on after every step."""
        return create_optimizer(self.network, self.training_settings, self.trainer)

    def mean(self, part: str) -> Tensor | None:
        """Return the objective of segments of `train` or `validation`, where they were scored."""
        return self.costs.pop(part, None)

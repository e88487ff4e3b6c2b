"""Steps per second of a whole training, beside a bare PyTorch loop on the same batches.

The whole is what `ostinato train` does in its epochs: loader, Lightning, logging, MLflow and
checkpoints; validation is left out of its time, as the loop has none. The chorales are those of
`ostinato fetch`.
"""

import math
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import pytorch_lightning as pl
import torch
from limits import count_flops, peak_flops
from peers import CLASSIC_STEPS, classic_predictions

from ostinato.config import Config, conf_folder
from ostinato.config import compose as compose_config
from ostinato.corpora.store import PieceStore
from ostinato.methods.base import Method, TrainingTask
from ostinato.methods.fitting import fit_network
from ostinato.models.bundle import build_network
from ostinato.models.steps import IGNORED
from ostinato.run_notes import open_run
from ostinato.sampling.voice_rolls import encode, to_one_hot
from ostinato.stages import preprocess, split
from ostinato.stages.encoding import read_split, token_store
from ostinato.stages.workspace import Workspace
from ostinato.training.precision import BFLOAT16, choose_precision

ROOT = Path(__file__).parents[2]
EPOCHS = {"lstm": 1, "transformer": 1, "gan": 2, "vae": 2}
EXPERIMENTS = {"gan": "experiment=bach_gan", "vae": "experiment=bach_vae"}
COUNTED = 8  # batches whose operations are counted
SECONDS_BESIDE = 30  # of a training beside another


class Stopwatch(pl.Callback):
    """Times the batches of a training and what is between them, without validation.

    most: seconds after which the training ends.
    """

    def __init__(self, most: float) -> None:
        self.steps, self.seconds, self.since, self.most = 0, 0.0, 0.0, most

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin."""
        del trainer, pl_module
        self.since = time.perf_counter()

    def on_train_batch_end(self, trainer: Any, *others: Any) -> None:
        """Count a step."""
        del others
        self.steps += 1
        if self.seconds + time.perf_counter() - self.since > self.most:
            trainer.should_stop = True

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Stop while it is validated."""
        del trainer, pl_module
        self.seconds += time.perf_counter() - self.since

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Go on."""
        del trainer, pl_module
        self.since = time.perf_counter()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """End."""
        del trainer, pl_module
        self.seconds += time.perf_counter() - self.since


class Trained:
    """A model of conf/ that is trained as a whole, and by a bare loop."""

    def __init__(self, model: str, folder: Path) -> None:
        words = [EXPERIMENTS.get(model, f"model={model}"), f"training.epochs={EPOCHS[model]}"]
        words += ["training.early_stopping=null", f"training.validate_every={EPOCHS[model]}"]
        self.config: Config = compose_config(words, conf_folder(ROOT))
        self.folder = folder
        home = Workspace(ROOT, folder / "outputs")
        preprocess.run(self.config, home)
        split.run(self.config, home)
        self.representation = self.config.build("representation")
        self.store = token_store(self.config, home, self.representation)
        self.pieces, self.split = PieceStore(home.pieces), read_split(home)
        self.method: Method = self.config.build("method")
        self.runs = 0

    def task(self, *callbacks: pl.Callback) -> TrainingTask:
        """Return the task of a training."""
        training, validation = (
            self.store.indices(self.split[part]) for part in ("train", "validation")
        )
        return TrainingTask(
            self.config,
            self.representation,
            self.store,
            self.pieces,
            training,
            validation,
            callbacks,
        )

    def network(self) -> Any:
        """Return a new network."""
        torch.manual_seed(self.config["seed"])
        return build_network(self.config, self.representation)

    def whole(self, most: float = math.inf) -> float:
        """Return the steps per second of a training with all that belongs to it.

        most: seconds after which it ends.
        """
        self.runs += 1
        folder, watch = self.folder / f"run-{self.runs}", Stopwatch(most)
        folder.mkdir()
        run = open_run(self.config.build("tracking"), folder, "speed", folder / "note.json")
        fit_network(self.method, self.task(watch), self.network(), folder, run)
        return watch.steps / watch.seconds

    def bare(self, steps: int) -> float:
        """Return the steps per second of a loop that computes the loss and its gradient alone."""
        task, network = self.task(), self.network()
        data: Any = self.method.data(task, network)
        module: Any = self.method.module(task, network)
        batches = list(data.train_dataloader())
        bfloat16 = choose_precision(task.settings) == BFLOAT16
        step = _BARE[self.config["choices"]["model"]](module, task.settings)
        network.train()
        start = time.perf_counter()
        for number, batch in enumerate(islice(cycle(batches), steps)):
            with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                step(batch, number)
        return steps / (time.perf_counter() - start)

    def flops(self) -> float:
        """Return the floating-point operations of a step: the mean of those of some batches."""
        task, network = self.task(), self.network()
        data: Any = self.method.data(task, network)
        module: Any = self.method.module(task, network)
        batches = list(islice(data.train_dataloader(), COUNTED))
        step = _BARE[self.config["choices"]["model"]](module, task.settings)
        network.train()

        def compute() -> None:
            for number, batch in enumerate(batches):
                step(batch, number)

        return count_flops(compute) / len(batches)

    def steps(self) -> int:
        """Return how many batches an epoch has."""
        task = self.task()
        data: Any = self.method.data(task, self.network())
        return len(data.train_dataloader())

    def waits(self) -> float:
        """Return the seconds that an epoch's batches take to be read."""
        task = self.task()
        data: Any = self.method.data(task, self.network())
        start = time.perf_counter()
        for _ in data.train_dataloader():
            pass
        return time.perf_counter() - start

    def padding(self) -> float | None:
        """Return the share of the targets of an epoch that are padding; None for segments."""
        task = self.task()
        data: Any = self.method.data(task, self.network())
        batches = list(data.train_dataloader())
        if not hasattr(batches[0], "targets"):
            return None
        ignored = sum(int((batch.targets == IGNORED).sum()) for batch in batches)
        return ignored / sum(batch.targets.numel() for batch in batches)


def _descent(network: Any, settings: Any, loss_of: Callable[[Any], torch.Tensor]) -> Any:
    """Return what makes a step of gradient descent on the loss of a batch."""
    optimizer = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )

    def step(batch: Any, number: int) -> None:
        del number
        loss = loss_of(batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), settings.gradient_clip)
        optimizer.step()

    return step


def _likelihood_step(module: Any, settings: Any) -> Any:
    network = module.network

    def loss_of(batch: Any) -> torch.Tensor:
        nll = network.nll(batch.inputs, batch.positions, batch.targets, batch.semitones)
        mean: torch.Tensor = nll.sum() / (batch.targets != IGNORED).sum()
        return mean

    return _descent(network, settings, loss_of)


def _variational_step(module: Any, settings: Any) -> Any:
    network = module.network
    objective = network.objective

    def loss_of(batch: Any) -> torch.Tensor:
        noise = torch.randn(len(batch), network.latent_size)
        tokens = encode(batch, network.spec, torch.device("cpu"))
        nll, kl = network(tokens, noise, objective.scheduled_sampling_rate(0.0))
        cost: torch.Tensor = objective.cost(nll, kl.sum(dim=1), 0.0).mean() / network.tokens
        return cost

    return _descent(network, settings, loss_of)


def _adversarial_step(module: Any, settings: Any) -> Any:
    network, critic = module.network, module.critic
    objective = network.objective
    of_generator = torch.optim.Adam(
        network.parameters(), settings.generator_rate, betas=settings.betas
    )
    of_critic = torch.optim.Adam(critic.parameters(), settings.critic_rate, betas=settings.betas)

    def step(batch: Any, number: int) -> None:
        relaxation = objective.relaxation_at(0.0)
        real = to_one_hot(batch, network.spec)
        with torch.no_grad():
            fake = network(network.noise(len(batch)), relaxation, real)
        loss, _, _ = objective.critic_loss(critic, real, fake)
        of_critic.zero_grad()
        loss.backward()
        of_critic.step()
        if (number + 1) % objective.critic_steps == 0:
            critic.requires_grad_(False)
            loss = -critic(network(network.noise(len(batch)), relaxation, real)).mean()
            of_generator.zero_grad()
            loss.backward()
            of_generator.step()
            critic.requires_grad_(True)

    return step


_BARE = {
    "lstm": _likelihood_step,
    "transformer": _likelihood_step,
    "vae": _variational_step,
    "gan": _adversarial_step,
}


def measure(rounds: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each model: steps per second, and medians of ratios by round."""
    with tempfile.TemporaryDirectory() as folder:
        for model in _BARE:
            home = Path(folder) / model
            home.mkdir()
            yield {"model": model, **_measure(Trained(model, home), rounds)}


def _measure(trained: Trained, rounds: int) -> dict[str, Any]:
    steps = trained.steps()
    trained.bare(3)  # the first steps, which are not timed
    found = [(trained.whole(), trained.bare(steps)) for _ in range(rounds)]
    padding = trained.padding()
    rate = median(whole for whole, _ in found)
    row = {
        "steps_per_epoch": steps,
        "ostinato_per_second": round(rate, 3),
        "bare_per_second": round(median(bare for _, bare in found), 3),
        "over_bare": round(median(whole / bare for whole, bare in found), 3),
        "loading_share": round(trained.waits() * found[-1][0] / steps, 4),
        "padding_share": None if padding is None else round(padding, 4),
        **_beside_the_limit(trained, rate),
    }
    if trained.config["choices"]["model"] == "lstm":
        row |= _beside_the_classic(trained, rounds)
    return row


def _beside_the_limit(trained: Trained, rate: float) -> dict[str, Any]:
    """Return the share of this machine's arithmetic that so many steps a second use."""
    if trained.config["choices"]["model"] == "gan":
        return {}  # torch counts no gradients of gradients
    precision, flops = choose_precision(trained.task().settings), trained.flops()
    peak = peak_flops(torch.bfloat16 if precision == BFLOAT16 else torch.float32)
    return {
        "gflop_per_step": round(flops / 1e9, 2),
        "precision": precision,
        "peak_gflop_per_second": round(peak / 1e9),
        "of_peak": round(rate * flops / peak, 3),
    }


def _beside_the_classic(trained: Trained, rounds: int) -> dict[str, Any]:
    """Return predictions learned per second, and the ratio to a window a sample, one-hot."""
    data: Any = trained.method.data(trained.task(), trained.network())
    batches = list(data.train_dataloader())
    targets = sum(int((batch.targets != IGNORED).sum()) for batch in batches) / len(batches)
    found = []
    for _ in range(rounds):
        ours = trained.bare(min(len(batches), CLASSIC_STEPS)) * targets
        found.append((ours, classic_predictions(trained.representation.size)))
    return {
        "predictions_per_second": round(median(ours for ours, _ in found)),
        "classic_per_second": round(median(theirs for _, theirs in found)),
        "over_classic": round(median(ours / theirs for ours, theirs in found), 1),
    }


if __name__ == "__main__":  # what busy.py starts
    with tempfile.TemporaryDirectory() as own:
        print(Trained("lstm", Path(own)).whole(most=SECONDS_BESIDE))

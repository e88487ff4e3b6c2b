"""Trials of a search: a job finds its own in the study, tells it how far it is, and may be ended.

Hydra's sweeper hands no trial to its jobs. The study lies in a database that both open by name,
and the number of a job is that of its trial.
"""

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from ostinato.sweeps.settings import SweepSettings
from ostinato.training.module import method_module

STUDY = "study.db"  # in the folder of a sweep, unless its command names a storage
STUDY_NAME = "sweep"


def storage_of(sweeper: Mapping[str, Any], folder: Path) -> tuple[str, str]:
    """Return the address of the database of a search, and the name of its study."""
    if storage := sweeper.get("storage"):
        return str(storage), str(sweeper.get("study_name") or "/".join(folder.parts[-2:]))
    return f"sqlite:///{folder.resolve() / STUDY}", str(sweeper.get("study_name") or STUDY_NAME)


def open_trial(
    sweeper: Mapping[str, Any], folder: Path, number: int, settings: SweepSettings
) -> Any:
    """Return the trial of a job, with a pruner; None where the search has none.

    sweeper: Hydra's settings of the search.
    """
    import optuna

    quieten_optuna()
    storage, name = storage_of(sweeper, folder)
    pruner = optuna.pruners.PercentilePruner(
        settings.prune_percentile, settings.prune_after_trials, settings.prune_after_epochs
    )
    try:
        study = optuna.load_study(study_name=name, storage=storage, pruner=pruner)
    except KeyError:  # there is no such study
        return None
    found = [trial for trial in study.get_trials(deepcopy=False) if trial.number == number]
    return optuna.trial.Trial(study, found[0]._trial_id) if found else None


def quieten_optuna() -> None:
    """Leave out what Optuna logs, and its warnings of names that Hydra's sweeper still uses."""
    logging.getLogger("optuna").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", ".* has been deprecated in v", FutureWarning)


class Pruning(Callback):
    """Reports every validation to a trial, and ends a training that falls behind.

    The best figure so far is compared with what earlier trials had reached by the same epoch. It
    must be within the best `percentile` percent of them; 50 is the median.
    """

    def __init__(self, trial: Any, percentile: float) -> None:
        self.trial = trial
        self.percentile = percentile
        self.reason = ""
        self.validated = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop at once a training that was ended before it was resumed."""
        del pl_module
        self._check(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning keeps the figure of an earlier epoch: this one has its own."""
        del trainer, pl_module
        self.validated = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the figure of this epoch where it was validated."""
        monitor = method_module(pl_module).monitor
        figure = trainer.callback_metrics.get(f"validation_{monitor.name}")
        epoch = trainer.current_epoch
        validated, self.validated = self.validated, False
        if figure is None or not validated:
            return
        if epoch not in self.trial.storage.get_trial(self.trial._trial_id).intermediate_values:
            self.trial.report(-float(figure) if monitor.higher else float(figure), epoch)
        self._check(trainer)

    def _check(self, trainer: pl.Trainer) -> None:
        if self.trial.should_prune():
            last = max(self.trial.storage.get_trial(self.trial._trial_id).intermediate_values)
            self.reason = (
                f"ended by the search after epoch {last + 1}: "
                f"not among the best {self.percentile:g} percent"
            )
            trainer.should_stop = True

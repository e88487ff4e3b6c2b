"""Optuna's search by Hydra's sweeper, in a study that a later start of the command goes on with."""

import functools
from collections.abc import Sequence
from typing import Any

import optuna
from hydra_plugins.hydra_optuna_sweeper._impl import (
    OptunaSweeperImpl,
    create_params_from_overrides,
)
from hydra_plugins.hydra_optuna_sweeper.optuna_sweeper import OptunaSweeper
from omegaconf import OmegaConf
from optuna.trial import TrialState

from ostinato import console
from ostinato.errors import ConfigError, UserError
from ostinato.sweeps.current import PLAN, compose_job
from ostinato.sweeps.jobs import FAILED, FINISHED, PRUNED
from ostinato.sweeps.manifest import Manifest
from ostinato.sweeps.plan import Overrides
from ostinato.sweeps.trials import storage_of

SEED_STEP = 1_000_003  # a prime: seeds of neighbouring trials are far apart
SWEEP_ATTRIBUTE = "ostinato.sweep"  # of a trial: the folder of its sweep
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class Search(OptunaSweeperImpl):
    """A search that goes on: trials keep their numbers, which are those of the jobs.

    Hydra's own sweeper numbers jobs from 0 at each start and runs `n_trials` more of them; here
    `n_trials` is how many there are in all.
    """

    def sweep(self, arguments: list[str]) -> None:
        """Run trials until there are `n_trials`; those that were stopped come first."""
        self._process_searchspace_config()
        words = [*self._parse_sweeper_params_config(), *arguments]
        space, self.fixed = create_params_from_overrides(words)
        self.space = {name: found for name, found in space.items() if name not in self.fixed}
        self._prepare_grid()
        self._check_objectives()
        self._check_trials()
        storage, name = storage_of(vars(self), PLAN.get().folder)
        PLAN.get().folder.mkdir(parents=True, exist_ok=True)
        self.study = optuna.create_study(
            study_name=name,
            storage=storage,
            sampler=self._sampler(0),
            directions=self._get_directions(),
            load_if_exists=True,
        )
        PLAN.get().number(self._known(), self._compose, self.n_trials)
        while (batch := self._next_batch()) and not self._is_stopped():
            self._run(batch)
        self._write_best()

    def _prepare_grid(self) -> None:
        """Give a sampler of grids its values, and count them."""
        if getattr(self.sampler, "func", None) is not optuna.samplers.GridSampler:
            return
        choices = {name: self._to_grid_sampler_choices(found) for name, found in self.space.items()}
        self.n_trials = min(
            self.n_trials, functools.reduce(lambda n, values: n * len(values), choices.values(), 1)
        )
        self.sampler = self.sampler(choices)

    def _check_objectives(self) -> None:
        objectives, directions = PLAN.get().settings.objectives, self._get_directions()
        if len(objectives) != len(directions):
            raise ConfigError(
                f"hydra.sweeper.direction={directions} does not fit sweep.objectives="
                f"{objectives}: give a direction for each, for example "
                f"hydra.sweeper.direction=[{','.join(['minimize'] * len(objectives))}]."
            )

    def _check_trials(self) -> None:
        """Refuse another number of trials, unless the sweep shall be extended."""
        known = Manifest.read(PLAN.get().folder)
        if known is None or known.trials in (None, self.n_trials) or PLAN.get().settings.extend:
            return
        raise ConfigError(
            f"{console.where(PLAN.get().folder)} is a search of other length: "
            f"hydra.sweeper.n_trials {known.trials} -> {self.n_trials}. Say sweep.extend=true to "
            "go on to the new number, or sweep.new=true to start another search."
        )

    def _sampler(self, number: int) -> Any:
        """Return the sampler, seeded for a trial.

        A sampler draws one number after another. Seeded by the trial, a search that is continued
        draws what one that was not stopped does.
        """
        node = OmegaConf.select(self.config, "hydra.sweeper.sampler")
        seed = node.get("seed") if node is not None else None
        if seed is not None and isinstance(self.sampler, SEEDED):
            plain: Any = OmegaConf.to_container(node, resolve=True)
            plain.pop("_target_")
            return type(self.sampler)(**{**plain, "seed": (seed + SEED_STEP * number) % 2**32})
        return self.sampler

    def _own_trials(self) -> list[Any]:
        """Return the trials of this sweep: others may search in the same study."""
        folder = str(PLAN.get().folder)
        trials = self.study.get_trials(deepcopy=False)
        if not self.storage:
            return list(trials)
        return [trial for trial in trials if trial.user_attrs.get(SWEEP_ATTRIBUTE) == folder]

    def _known(self) -> list[list[str]]:
        """Return the overrides of the jobs that there are already."""
        manifest = Manifest.read(PLAN.get().folder)
        fixed = [f"{key}={value}" for key, value in self.fixed.items()]
        own = PLAN.get().own_words(fixed)
        shared = [word for word in fixed if word not in own]
        return [[*job.overrides, *shared] for job in manifest.jobs] if manifest else []

    def _next_batch(self) -> list[Any]:
        """Return the trials to run next: a batch that was stopped, or new ones.

        A batch is filled before the next begins, so that each trial knows of the same others.
        """
        own = self._own_trials()
        batch = max(1, self.n_jobs)
        stopped = [trial for trial in own if trial.state not in ENDED]
        trials = [optuna.trial.Trial(self.study, trial._trial_id) for trial in stopped]
        begun = len(own)
        room = batch - begun % batch if begun % batch or not stopped else 0
        for _ in range(min(room, self.n_trials - begun)):
            self.study.sampler = self._sampler(begun)
            trial = self.study.ask()
            trial.set_user_attr(SWEEP_ATTRIBUTE, str(PLAN.get().folder))
            trials.append(trial)
            begun += 1
        return trials

    def _run(self, trials: Sequence[Any]) -> None:
        overrides = []
        for trial in trials:
            self.study.sampler = self._sampler(trial.number)
            overrides += self._configure_trials([trial], self.space, self.fixed)
        for trial, words in zip(trials, overrides, strict=True):
            PLAN.get().add(words, trial.number, self._compose)
        returns = []
        for first, some in _consecutive([trial.number for trial in trials], overrides):
            returns += self.launcher.launch(some, initial_job_idx=first)
        for trial, result in zip(trials, returns, strict=True):
            self._tell(trial, result)

    def _configure_trials(self, trials: Any, space: Any, fixed: Any) -> Any:
        """Return the overrides of trials, as Hydra's sweeper does but for the mark of the sweep."""
        overrides = []
        for trial in trials:
            for name, distribution in space.items():
                trial._suggest(name, distribution)
            values = {**trial.params, **fixed}
            overrides.append([f"{name}={value}" for name, value in values.items()])
        return overrides

    def _tell(self, trial: Any, result: Any) -> None:
        """Tell the study what became of a trial."""
        values = result.return_value  # raises what stopped the job in a way that it did not record
        job = Manifest.read(PLAN.get().folder).job(trial.number)  # type: ignore[union-attr]
        record = PLAN.get().record(job) if job else None
        state = record.state if record else FAILED
        if state == PRUNED:
            self.study.tell(trial, state=TrialState.PRUNED)
        elif state == FINISHED:
            self.study.tell(trial, values if isinstance(values, list) else [values])
        else:
            self.study.tell(trial, state=TrialState.FAIL)

    def _is_stopped(self) -> bool:
        """Return whether failed trials stop the search; a share of 0 stops none."""
        ended = [trial for trial in self._own_trials() if trial.state in ENDED]
        failed = sum(trial.state == TrialState.FAIL for trial in ended)
        if failed and PLAN.get().settings.fail_fast:
            return True
        if self.max_failure_rate and ended and failed / len(ended) > self.max_failure_rate:
            raise UserError(
                f"{failed} of {len(ended)} trials have failed, more than "
                f"hydra.sweeper.max_failure_rate={self.max_failure_rate} allows."
            )
        return False

    def _write_best(self) -> None:
        """Write the best values into the folder of the sweep, as Hydra's sweeper does."""
        ended = self.study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        if not ended:
            return
        found: dict[str, Any] = {"name": "optuna"}
        if len(self._get_directions()) == 1:
            best = self.study.best_trial
            found |= {"best_params": best.params, "best_value": best.value}
        else:
            front = self.study.best_trials
            found["solutions"] = [{"params": t.params, "values": list(t.values)} for t in front]
        OmegaConf.save(OmegaConf.create(found), PLAN.get().folder / "optimization_results.yaml")

    def _compose(self, overrides: Overrides) -> Any:
        return compose_job(self, overrides)


SEEDED = (optuna.samplers.TPESampler, optuna.samplers.RandomSampler)


class SearchSweeper(OptunaSweeper):
    """Hydra's sweeper, which searches by `Search`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.sweeper = Search(**settings)


def _consecutive(
    numbers: Sequence[int], overrides: Sequence[Overrides]
) -> list[tuple[int, list[Overrides]]]:
    """Return runs of consecutive numbers, which a launcher counts from their first."""
    runs: list[tuple[int, list[Overrides]]] = []
    for number, words in zip(numbers, overrides, strict=True):
        if runs and number == runs[-1][0] + len(runs[-1][1]):
            runs[-1][1].append(words)
        else:
            runs.append((number, [words]))
    return runs

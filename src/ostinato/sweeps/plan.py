"""Plans of sweeps: which jobs there are, which numbers they have, and which of them are done."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ostinato import console
from ostinato.config import Config
from ostinato.config.location import key_of
from ostinato.errors import ConfigError, UserError
from ostinato.sweeps.jobs import DONE, FAILED, FINISHED, JobRecord
from ostinato.sweeps.manifest import Job, Manifest
from ostinato.sweeps.origins import (
    DataOf,
    code_of,
    join_changes,
    list_changes,
    name_files,
    origin_of,
)
from ostinato.sweeps.settings import SweepSettings
from ostinato.wording import agree, quantity

Overrides = Sequence[str]
Compose = Callable[[Overrides], Any]  # what Hydra composes for a job


@dataclass(frozen=True)
class Plan:
    """A sweep that is begun or continued.

    command: the words by which it is found again. unnamed: keys that params.yaml sets, which are
    no part of what a job is known by. config_of: the config of what Hydra composes for a job.
    data_of: the fingerprint of the corpus of a config.
    """

    folder: Path
    settings: SweepSettings
    command: tuple[str, ...]
    unnamed: frozenset[str]
    config_of: Callable[[Any], Config]
    data_of: DataOf

    def number(
        self, grid: Sequence[Overrides], compose: Compose, trials: int | None = None
    ) -> list[list[str]]:
        """Return the overrides of each job of a sweep, by number, and write its manifest.

        Jobs of an earlier start keep their numbers, and those that are new come after them.
        Raises `ConfigError` where they are not the same, or not made in the same way, and no
        setting allows it.
        """
        known = Manifest.read(self.folder)
        wanted = {frozenset(self.own_words(words)): list(words) for words in grid}
        if len(wanted) < len(grid):
            console.say(f"left out: {quantity(len(grid) - len(wanted), 'job')} given twice")
        if known is not None:
            self._check_grid(known, wanted)
        # of a job that the command no longer has, its own words and those that all jobs have
        shared = [word for word in grid[0] if word not in self.own_words(grid[0])] if grid else []
        kept = known.jobs if known else ()
        ordered = [wanted.pop(frozenset(job.overrides), [*shared, *job.overrides]) for job in kept]
        ordered += wanted.values()
        first = 1 + max((job.number for job in kept), default=-1)
        numbers = [*(job.number for job in kept), *range(first, first + len(wanted))]
        configs, jobs = self._compose(ordered, numbers, compose)
        command = known.command if known and not self.settings.extend else self.command
        manifest = Manifest(command, tuple(jobs), _files_of(configs), trials=trials)
        if known is not None:
            self._check_origins(known, manifest, configs)
        manifest.write(self.folder)
        if known is not None:
            self._tell(manifest)
        return ordered

    def add(self, overrides: Overrides, number: int, compose: Compose) -> None:
        """Add a job that a search has chosen to the manifest."""
        manifest = Manifest.read(self.folder)
        assert manifest is not None
        configs, added = self._compose([overrides], [number], compose)
        jobs = {job.number: job for job in [*manifest.jobs, *added]}
        files = {**manifest.files, **_files_of(configs)}
        ordered = tuple(jobs[number] for number in sorted(jobs))
        replace(manifest, jobs=ordered, files=files).write(self.folder)

    def record(self, job: Job) -> JobRecord | None:
        """Return the record of a job; None where it was not begun."""
        return JobRecord.read(self.folder / job.folder)

    def own_words(self, overrides: Overrides) -> list[str]:
        """Return the overrides that a job is known by: those of the command line."""
        return [
            word
            for word in overrides
            if key_of(word) not in self.unnamed and not key_of(word).startswith("sweep.")
        ]

    def _compose(
        self, overrides: Sequence[Overrides], numbers: Sequence[int], compose: Compose
    ) -> tuple[list[Config | None], list[Job]]:
        """Return the config of each job, None where it has none, and the jobs."""
        configs, jobs = [], []
        for number, words in zip(numbers, overrides, strict=True):
            composed = compose(words)
            folder = _folder_of(composed, number)
            try:
                config = self.config_of(composed)
                origin = origin_of(config, self.data_of)
            except UserError:  # the job itself says so
                config, origin = None, None
            configs.append(config)
            jobs.append(Job(number, tuple(self.own_words(words)), origin, folder))
        return configs, jobs

    def _check_grid(self, known: Manifest, wanted: Collection[frozenset[str]]) -> None:
        """Refuse a grid with other jobs than the sweep has, unless it shall be extended."""
        before = {frozenset(job.overrides) for job in known.jobs}
        added, gone = [words for words in wanted if words not in before], before - {*wanted}
        if self.settings.extend or not (added or gone):
            return
        common = frozenset.intersection(*before, *wanted)
        named = f" ({' '.join(sorted(added[0] - common))})" if added else ""
        raise ConfigError(
            f"{console.where(self.folder)} is another sweep, of {quantity(len(before), 'job')}: "
            f"{len(added)} of yours{named} {agree(len(added), 'is', 'are')} not in it, and "
            f"{len(gone)} of its own {agree(len(gone), 'is', 'are')} not in yours. Say "
            "sweep.extend=true to add jobs to it, or name another folder."
        )

    def _check_origins(
        self, known: Manifest, manifest: Manifest, configs: Sequence[Config | None]
    ) -> None:
        """Refuse to go on with jobs that would be made in another way now, unless it is allowed.

        What has failed may be mended: its job is run again in any case.
        """
        reasons: dict[str, list[int]] = {}
        for job, config in zip(manifest.jobs, configs, strict=True):
            record = self.record(job)
            if record is None or record.state == FAILED or config is None:
                continue
            if record.origin not in (None, job.origin):
                reason = self._describe(known, manifest, job, config)
                reasons.setdefault(reason, []).append(job.number)
        for reason, numbers in reasons.items():
            jobs = f"{agree(len(numbers), 'job', 'jobs')} {', '.join(map(str, numbers))}"
            verb = agree(len(numbers), "was", "were")
            searching = manifest.trials is not None  # it cannot unlearn what it was told
            if searching or not self.settings.extend:
                again = "" if searching else "sweep.extend=true to run again what has changed, or "
                raise ConfigError(
                    f"{jobs} of {console.where(self.folder)} {verb} made otherwise: {reason}. Say "
                    f"{again}sweep.new=true to start another sweep."
                )
            console.warn(f"run again: {jobs} {verb} made otherwise: {reason}")

    def _describe(self, known: Manifest, manifest: Manifest, job: Job, config: Config) -> str:
        """Return what has changed since a job was begun, as old -> new."""
        record = self.record(job)
        assert record is not None
        assert record.origin is not None
        assert job.origin is not None
        if record.origin.config != job.origin.config:
            found = list_changes(self.folder / job.folder / "config.yaml", config)
            return join_changes(found) or "its config has changed"
        if record.origin.data != job.origin.data:
            return f"the pieces of {config['corpus.path']} have changed"
        names = dict.fromkeys((*known.files, *manifest.files))
        changed = [n for n in names if known.files.get(n) != manifest.files.get(n)]
        return f"the code has changed ({join_changes(changed) or 'of another version'})"

    def _tell(self, manifest: Manifest) -> None:
        records = [(job, self.record(job)) for job in manifest.jobs]
        done = sum(record is not None and record.is_done(job.origin) for job, record in records)
        jobs = quantity(manifest.trials or len(records), "job")
        console.say(
            f"continuing the sweep {console.where(self.folder)}: "
            f"{done} of {jobs} {agree(done, 'is', 'are')} done"
        )

    def end(self, results: Sequence[dict[str, Any]]) -> None:
        """Write what became of the jobs into the manifest, and whether all have ended."""
        manifest = Manifest.read(self.folder)
        if manifest is None:
            return
        wanted = manifest.trials or 1
        # a search knows what has failed, and does not try it again
        ends = DONE if manifest.trials is None else (*DONE, FAILED)
        ended = len(results) >= wanted and all(row["state"] in ends for row in results)
        state = FINISHED if ended else FAILED
        replace(manifest, state=state, results=tuple(results)).write(self.folder)


def _folder_of(composed: Any, number: int) -> str:
    """Return the name that Hydra gives the folder of a job."""
    from omegaconf import OmegaConf, open_dict

    with open_dict(composed):
        composed.hydra.job.num = composed.hydra.job.id = number
    return str(OmegaConf.select(composed, "hydra.sweep.subdir"))


def _files_of(configs: Iterable[Config | None]) -> dict[str, str]:
    return name_files({file for config in configs if config for file in code_of(config)})

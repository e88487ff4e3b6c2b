"""Hydra's launchers of submitit, of which a job that is killed fails alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus
from hydra_plugins.hydra_submitit_launcher.config import BaseQueueConf
from hydra_plugins.hydra_submitit_launcher.submitit_launcher import (
    BaseSubmititLauncher,
    LocalLauncher,
    SlurmLauncher,
)
from omegaconf import OmegaConf

from ostinato.sweeps.current import LOST, PLAN
from ostinato.sweeps.plan import Overrides

AT_START = ("submitit_folder", "max_num_timeout")  # settings that the executor is made with


class PatientLauncher(BaseSubmititLauncher):  # type: ignore[misc]
    """Waits for every job, and counts one whose process was ended as failed.

    Hydra's own raises at the first of them, while the others go on.
    """

    def launch(self, job_overrides: Sequence[Overrides], initial_job_idx: int) -> list[JobReturn]:
        """Submit the jobs as one array, and return what became of each, in their order."""
        first = initial_job_idx
        calls = [
            (list(words), "hydra.sweep.dir", first + i, f"job_{first + i}", Singleton.get_state())
            for i, words in enumerate(job_overrides)
        ]
        submitted = self._executor().map_array(self, *zip(*calls, strict=True))
        return [_await(job, first + i) for i, job in enumerate(submitted)]

    def _executor(self) -> Any:
        import submitit

        assert self.config is not None
        Path(str(self.config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        kind, params = self._EXECUTOR, self.params
        retries = {f"{kind}_{n}": params[n] for n in AT_START[1:] if n in params}
        executor = submitit.AutoExecutor(cluster=kind, folder=params["submitit_folder"], **retries)
        shared = set(OmegaConf.structured(BaseQueueConf).keys())
        executor.update_parameters(
            **{
                name if name in shared else f"{kind}_{name}": value
                for name, value in params.items()
                if name not in AT_START
            }
        )
        return executor


class PatientLocalLauncher(PatientLauncher, LocalLauncher):  # type: ignore[misc]
    """Runs each job in a process of this machine, all at once."""


class PatientSlurmLauncher(PatientLauncher, SlurmLauncher):  # type: ignore[misc]
    """Runs each job on a SLURM cluster."""


def _await(job: Any, number: int) -> JobReturn:
    """Return what a job came to, once it has ended; infinite where its process was ended."""
    from submitit.core.utils import UncompletedJobError

    try:
        [returned] = job.results()
    except UncompletedJobError as error:
        log = Path(job.paths.stderr)
        reason = " ".join(str(error).split())[:200]
        LOST.get()(PLAN.get().folder, number, f"{reason} (its output is in {log.parent})")
        returned = JobReturn(status=JobStatus.COMPLETED)
        returned.return_value = float("inf")
    return returned

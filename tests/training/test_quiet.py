"""Lightning's advice that is none for a run of ostinato is not shown."""

import os
import warnings
from pathlib import Path

import pytest
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment

from ostinato.training.trainer import _quieten


def test_srun_is_not_advised_where_slurm_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "srun").touch(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        SLURMEnvironment._validate_srun_used()
        assert "`srun` command is available" in str(shown[0].message)
        _quieten()
        SLURMEnvironment._validate_srun_used()
    assert len(shown) == 1

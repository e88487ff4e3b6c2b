"""Settings of Hydra itself, which builds and writes before a config is checked."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from ostinato.config.location import ROOT
from ostinato.config.yaml_files import read_yaml
from ostinato.errors import ConfigError

JOB = "ostinato"
FOLDERS = ("run.dir", "sweep.dir", "sweep.subdir")
SHORT_LIST = (
    "hydra/launcher, hydra/sweeper, hydra.launcher.n_jobs, hydra.sweeper.*, hydra.run.dir, "
    "hydra.sweep.dir, hydra.sweep.subdir, hydra.mode and hydra.verbose"
)
ALLOWED = re.compile(
    r"""(?:run|sweep)\.dir|sweep\.subdir|mode|verbose
    |launcher\.(?:n_jobs|backend|prefer|require|verbose|timeout|pre_dispatch|batch_size|max_nbytes)
    |sweeper\.(?:max_batch_size|direction|study_name|storage|n_trials|n_jobs|max_failure_rate)
    |sweeper\.params(?:\..*)?|sweeper\.sampler\.\w*[a-z]""",
    re.VERBOSE,
)
# what a cluster needs; of a stranger it could be code
TYPED = re.compile(r"launcher(?:\.\w*[a-z])+")
SET_BY_HYDRA = re.compile(r"(?:overrides|runtime|job\.config_name|job\.override_dirname)(?:\..*)?")
CHOICES = ("hydra/launcher", "hydra/sweeper", "hydra/sweeper/sampler")
BELOW_OUTPUTS = re.compile(r"outputs/(?!.*\.\.)(?:[^$]|\$\{(?:now|hydra\.job\.\w+)[^${}]*\})*")


def check_settings(hydra: Mapping[str, Any], typed: Collection[str], conf: Path) -> None:
    """Raise `ConfigError` for a setting of Hydra's that is not on a short list.

    hydra: its unresolved settings, composed; typed: the keys set on the command line. What
    Hydra's own files and the project's conf/config.yaml say stays as it is.
    """
    choices = hydra["runtime"]["choices"]
    own = flatten(_own_settings(conf, tuple((key, choices.get(key)) for key in CHOICES)))
    found = flatten(hydra)
    for key in (*found, *(key for key in own if key not in found)):
        same = key in own and key in found and own[key] == found[key]
        if not same and not SET_BY_HYDRA.fullmatch(key):
            _check_setting(key, found.get(key), typed)


def _check_setting(key: str, value: Any, typed: Collection[str]) -> None:
    by_hand = any(f"hydra.{key}".startswith(name) for name in typed)
    if not ALLOWED.fullmatch(key) and not (by_hand and TYPED.fullmatch(key)):
        raise ConfigError(
            f"hydra.{key} cannot be set: of Hydra, a command line or an experiment sets "
            f"{SHORT_LIST}."
        )
    below = f"outputs/{value}" if key == "sweep.subdir" else str(value)
    if key in FOLDERS and not by_hand and not BELOW_OUTPUTS.fullmatch(below):
        raise ConfigError(
            f"hydra.{key} of an experiment or of params.yaml leads out of outputs/: name a folder "
            "below it, or give it on the command line."
        )


@lru_cache
def _own_settings(conf: Path, choices: tuple[tuple[str, str | None], ...]) -> Any:
    """Return Hydra's own settings with those of the project's conf/config.yaml."""
    from hydra import compose, initialize
    from omegaconf import OmegaConf

    overrides = [f"{key}={option}" for key, option in choices if option is not None]
    with hydra_of_its_own(lambda: initialize(None, job_name=JOB, version_base="1.3")):
        try:
            hydra = compose(None, overrides, return_hydra_config=True).hydra
        except Exception as error:  # Hydra's errors share no base class
            raise ConfigError(
                f"{' '.join(overrides)} is unknown: give an option of Hydra's own or of an "
                "installed plug-in's, for example hydra/launcher=joblib."
            ) from error
    project = read_yaml(conf / f"{ROOT}.yaml").get("hydra") or {}
    OmegaConf.set_struct(hydra, False)
    return OmegaConf.to_container(OmegaConf.merge(hydra, project), resolve=False)


@contextmanager
def hydra_of_its_own(begin: Callable[[], AbstractContextManager[Any]]) -> Iterator[None]:
    """Begin a Hydra that leaves alone the run of Hydra's in which it may stand."""
    from hydra.core.global_hydra import GlobalHydra

    outer = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with begin():
            yield
    finally:
        GlobalHydra.instance().hydra = outer


def flatten(node: Any, prefix: str = "") -> dict[str, Any]:
    """Return every value with its dotted key; a list and an empty mapping are values."""
    if not isinstance(node, Mapping) or not node:
        return {prefix.rstrip("."): node}
    return {
        key: value
        for name, child in node.items()
        for key, value in flatten(child, f"{prefix}{name}.").items()
    }

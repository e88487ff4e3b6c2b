"""run: every stage in one process, without DVC, in a folder of Hydra's; -m sweeps."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.config import Config, conf_folder
from ostinato.config.composing import params_overrides, resolved, translated, unless, validate
from ostinato.corpora.store import INDEX
from ostinato.errors import ConfigError, UserError
from ostinato.files import fingerprint, locked
from ostinato.stages import compose, evaluate, fetch, generate, preprocess, split, train
from ostinato.stages.workspace import Workspace, source_fingerprint

if TYPE_CHECKING:
    from ostinato.learning.fitting import Fitted

MULTIRUN = ("-m", "--multirun")
OF_A_ROW = ("corpus.name", "split", "representation", "model", "training", "evaluation")


def main(arguments: Sequence[str]) -> int:
    """Hand the command line to Hydra; returns the exit code."""
    import hydra
    from hydra.errors import HydraException

    conf = conf_folder()
    root = Workspace.here().root
    params = root / "params.yaml"
    given = params_overrides(params) if params.exists() else []
    words = _in_order(unless(given, arguments), arguments)
    if not any(a in MULTIRUN or a.startswith("-") or a.startswith("hydra") for a in arguments):
        compose.composed(list(arguments), root)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors reach the command line as they are
    sys.argv = ["ostinato run", *words]
    failed: list[str] = []

    def job(composed: Any) -> float | None:
        return _job(composed, root, conf, failed)

    try:
        hydra.main(version_base="1.3", config_path=str(conf.resolve()), config_name="config")(job)()
    except HydraException as error:
        raise translated(error, list(words), conf) from error
    if failed:
        raise UserError(f"{len(failed)} of the runs failed: {'; '.join(failed)}")
    return 0


def _in_order(given: Sequence[str], arguments: Sequence[str]) -> list[str]:
    """Hydra's flags, then all overrides: its parser takes no override after a flag once more."""
    overrides = [a for a in arguments if not a.startswith("-") and ("=" in a or a.startswith("~"))]
    flags = [a for a in arguments if a not in overrides]
    return [*flags, *given, *overrides]


def _job(composed: Any, root: Path, conf: Path, failed: list[str]) -> float | None:
    """One run: returns the best validation figure, turned so that a sweeper may minimise it."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    settings = HydraConfig.get()
    sweeping = settings.mode == RunMode.MULTIRUN
    try:
        config = Config(resolved(composed, settings.runtime.choices, conf))
        validate(config)
        compose.check_fit(config, conf)
        workspace = Workspace(root, Path(settings.runtime.output_dir))
        fitted = run_stages(config, workspace)
        best = fitted.best_validation
        return -best if best is not None and fitted.yardstick.higher else best
    except UserError as error:
        if not sweeping or isinstance(error, ConfigError):
            raise
        console.warn(f"this run of the sweep failed: {error}")
        failed.append(" ".join(settings.overrides.task))
        return float("inf")


def run_with_fetch(config: Config, workspace: Workspace) -> "Fitted":
    """Every stage, fetch too where the corpus is not there; what does not fit is refused first."""
    compose.check_fit(config, conf_folder(workspace.root))
    if not (workspace.root / config["corpus.path"]).exists():
        fetch.run(config, workspace)
    return run_stages(config, workspace)


def is_that_row(name: str, own: Config, run: Config, result: Mapping[str, Any]) -> bool:
    """Whether a benchmark may keep a result under the name of a row whose config is `own`.

    Where anything that makes the figure was set otherwise, the result is printed instead.
    """
    others = [key for key in OF_A_ROW if own[key] != run[key]]
    if others:
        console.say(json.dumps(result, indent=2))
        console.warn(f"not kept: {name} has other settings for {' and '.join(others)}.")
    return not others


def run_stages(config: Config, workspace: Workspace) -> "Fitted":
    """Every stage after fetch, in order; pieces are shared with runs on the same corpus.

    Returns what the training came to.
    """
    shared = shared_pieces(config, workspace)
    workspace = Workspace(workspace.root, workspace.outputs, shared)
    compose.run(config, workspace)
    with locked(shared):
        if not (shared / INDEX).exists():
            preprocess.run(config, workspace)
    split.run(config, workspace)
    fitted = train.run(config, workspace)
    generate.run(config, workspace)
    evaluate.run(config, workspace)
    return fitted


def shared_pieces(config: Config, workspace: Workspace) -> Path:
    """Where the pieces of this corpus, read with these filters, are kept."""
    data = workspace.root / config["corpus"]["path"]
    source = source_fingerprint("corpora", "music")
    name = fingerprint(config["corpus"], data if data.is_dir() else "nothing", source)
    return workspace.cache / "pieces" / name

"""A run made again: the overrides that it stands for, and whether the same bytes come out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ostinato import console
from ostinato.config import Config, conf_folder
from ostinato.config.command import read_params
from ostinato.config.launching import MULTIRUN
from ostinato.config.location import key_of
from ostinato.config.sharing import (
    LOCAL,
    apply_overrides,
    complete,
    find_missing,
    find_overrides,
    list_differences,
    missing_after,
)
from ostinato.errors import ConfigError, UserError
from ostinato.stages.compose import compose_tracking
from ostinato.stages.earlier_run import EarlierRun, find_run, read_file
from ostinato.stages.run_provenance import (
    Provenance,
    name_data_differences,
    name_differences,
    name_unknown,
    read_provenance,
    with_results,
)
from ostinato.stages.workspace import Workspace, samples_folder

OF_THIS_PROJECT = (*LOCAL, "corpus.mirror")  # keys of params.yaml that still hold


@dataclass(frozen=True)
class Source:
    """The source of a run: the name or the folder of an earlier one, or a file."""

    run: str = ""
    file: Path | None = None


@dataclass(frozen=True)
class Again:
    """An earlier run that is made again. config: its own; base: the overrides for it."""

    run: EarlierRun
    config: Config
    base: tuple[str, ...]

    def say_start(self, config: Config, workspace: Workspace) -> None:
        """Print in what the run will differ, as far as that is known before its data is read.

        Raises `UserError` where the music is not there, with the command that fetches it.
        """
        music = workspace.root / config["corpus.path"]
        if not music.is_dir() and config["corpus"].get("source"):
            raise UserError(
                f"{console.where(music)} is not there, and {self.run.name} was trained on it: run "
                f"`ostinato fetch corpus={config['choices.corpus']}` or `dvc pull`."
            )
        console.say(f"again: {self.run.name}")
        self._warn(self._differences(config, read_provenance(config, workspace)))

    def say_data(self, config: Config, workspace: Workspace) -> None:
        """Print in what the pieces and the split are not those of the earlier run."""
        made = read_provenance(config, workspace)
        self._warn(name_data_differences(self.run.provenance, made))

    def say_result(self, config: Config, workspace: Workspace) -> None:
        """Print whether the same weights and samples came out, or what differs."""
        made = read_provenance(config, workspace)
        made = with_results(made, workspace.model, samples_folder(config, workspace))
        earlier = self.run.provenance
        pairs = {
            "weights": (earlier.weights, made.weights),
            "samples": (earlier.samples, made.samples),
        }
        known = {name: old == new for name, (old, new) in pairs.items() if old}
        same = [name for name, equal in known.items() if equal]
        others = [name for name, equal in known.items() if not equal]
        if not known:
            console.say(f"{self.run.name} recorded no hashes to compare weights and samples with")
        if same:
            console.say(f"the same {' and '.join(same)} as {self.run.name}, byte for byte")
        if others:
            reasons = self._explain(self._differences(config, made))
            console.warn(f"other {' and '.join(others)} than {self.run.name}: {reasons}")

    def _differences(self, config: Config, made: Provenance) -> list[str]:
        changed = list_differences(self.config, config)
        return [*changed, *name_differences(self.run.provenance, made)]

    def _warn(self, differences: Sequence[str]) -> None:
        if differences:
            console.warn(f"not as {self.run.name}: {', '.join(differences)}")

    def _explain(self, reasons: Sequence[str]) -> str:
        if reasons:
            return ", ".join(reasons)
        if unknown := name_unknown(self.run.provenance):
            return f"it recorded no {' and no '.join(unknown)}"
        return "though commit, files, data, library versions and machine are the same"


def load_again(source: Source, arguments: Sequence[str], workspace: Workspace) -> Again:
    """Return the run that is made again under a command line, `arguments`.

    The config is composed again by overrides, so that those of the command line go on top. Raises
    `ConfigError` for a run or a file that is not there, or that cannot be composed here.
    """
    root, conf = workspace.root, conf_folder(workspace.root)
    typed = [word for word in arguments if "=" in word or word.startswith("~")]
    run = read_file(source.file) if source.file else _find(source.run, typed, workspace)
    _check_plugins(run, [*read_params(root), *typed])
    if missing := list(missing_after(find_missing(run.tree), typed)):
        raise ConfigError(
            f"{run.name} leaves a path to you: give {' '.join(f'{key}=…' for key in missing)}."
        )
    try:
        config = complete(run.tree, local_overrides(root), conf)
        base = apply_overrides(find_overrides(config, conf), typed, conf)
    except ConfigError as error:
        raise ConfigError(f"{run.name}: {str(error).rstrip('.')}.") from error
    if not set(MULTIRUN) & set(arguments):  # an experiment of conf/ may be a sweep by itself
        base.append("hydra.mode=RUN")
    return Again(run, config, tuple(base))


def local_overrides(root: Path) -> list[str]:
    """Return the overrides of params.yaml that hold for any run here: where it is recorded, …"""
    return [
        word
        for word in read_params(root)
        if any(key_of(word) == key or key_of(word).startswith(f"{key}.") for key in OF_THIS_PROJECT)
    ]


def _find(named: str, typed: Sequence[str], workspace: Workspace) -> EarlierRun:
    words = [word for word in typed if key_of(word).startswith("tracking") and "," not in word]
    return find_run(named, compose_tracking(words, workspace.root), workspace)


def _check_plugins(run: EarlierRun, overrides: Sequence[str]) -> None:
    """Refuse to import a package because a file of anybody's names it."""
    plugins = run.tree.get("plugins") or []
    if run.foreign and plugins and not any(key_of(word) == "plugins" for word in overrides):
        named = ",".join(map(str, plugins)) if isinstance(plugins, list) else plugins
        raise ConfigError(
            f"{run.name} names plugins, whose code would run: give plugins=[{named}] if you know "
            "them."
        )

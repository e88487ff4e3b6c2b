"""The model that generating and evaluating start from, which decides what they can be told."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ostinato import console
from ostinato.config import Config
from ostinato.config.location import key_of
from ostinato.config.registered import is_registered
from ostinato.config.unread import refuse_unread
from ostinato.errors import ConfigError, UserError
from ostinato.methods.base import Method
from ostinato.stages.compose import compose_values
from ostinato.stages.piece_cache import read_pieces
from ostinato.stages.workspace import Workspace, model_folder
from ostinato.untrusted import MIB, check_regular
from ostinato.weights import WEIGHTS

LARGEST_SPLIT = 64 * MIB  # bytes; a million names take thirty
OF_THE_BUNDLE = ("model", "representation")
ABOUT = "sampling.json"  # beside samples
MODEL = "bundle"  # in it: the fingerprint of the model that drew them
SAMPLES = "more"  # where the command that a run ends with writes


def compose_for_bundle(
    overrides: Sequence[str], workspace: Workspace, here: Path | None = None
) -> Config:
    """Return the composed config with the model and the representation of the bundle it names.

    Where it names none, that is the model trained last, by DVC or by `ostinato run`. What
    params.yaml says of both is of the next training. Where there is no bundle yet, they stay.
    """
    config = compose_values(overrides, workspace.root, here)
    if config["model_dir"] is None and (last := _trained_last(workspace)) is not None:
        console.say(f"the model trained last is in {console.where(last)}")
        config = Config(config.tree | {"model_dir": str(last)}, config.plugins)
    config = with_registered_model(config, workspace)
    folder = model_folder(config, workspace)
    if not (folder / "config.yaml").exists():
        return config
    from ostinato.models.bundle import read_config

    bundle = read_config(folder, config.plugins)
    for override in overrides:
        if _is_other(key_of(override), config, bundle):
            console.warn(
                f"{override} has no effect: the model in {console.where(folder)} was trained as "
                f"model={bundle['choices.model']} on "
                f"representation={bundle['choices.representation']}."
            )
    choices = config["choices"] | {group: bundle["choices"][group] for group in OF_THE_BUNDLE}
    own = {group: bundle[group] for group in (*OF_THE_BUNDLE, "method")}
    decided = Config({**config.tree, **own, "choices": choices}, config.plugins)
    refuse_unread(decided, overrides)
    return decided


def with_registered_model(config: Config, workspace: Workspace) -> Config:
    """Return the config with the folder of a registered model in place of its address."""
    given = config["model_dir"]
    if given is None or not is_registered(given):
        return config
    from ostinato.registry import fetch_bundle

    folder = fetch_bundle(given, config.build("tracking"), workspace.home, workspace.cache)
    console.say(f"{given} is in {console.where(folder)}")
    return Config(config.tree | {"model_dir": str(folder)}, config.plugins)


def _trained_last(workspace: Workspace) -> Path | None:
    """The model of the newest run; None where that of the project is newer, or none is there."""
    found = [workspace.model / WEIGHTS]
    found += [*workspace.outputs.glob(f"runs/*/*/model/{WEIGHTS}")]
    found += [*workspace.outputs.glob(f"sweeps/*/*/*/model/{WEIGHTS}")]
    dated = [(path.stat().st_mtime_ns, path.parent) for path in found if path.exists()]
    _, newest = max(dated, default=(0, workspace.model))
    return None if newest == workspace.model else newest


def _is_other(key: str, config: Config, bundle: Config) -> bool:
    """Return whether an override of the model or the representation is not what the bundle has."""
    group, *names = key.replace("/", ".").split(".")
    if group not in OF_THE_BUNDLE:
        return False
    if not names:
        group = f"choices.{group}"
    found, trained = (_value(one, [group, *names]) for one in (config, bundle))
    return bool(found != trained)


def _value(config: Config, names: Sequence[str]) -> Any:
    try:
        return config[".".join(names)]
    except ConfigError:
        return None


def read_sampling_record(samples: Path, folder: Path) -> dict[str, Any]:
    """Return what is written beside samples of how they were drawn; nothing where nothing is.

    Raises `UserError` where another model drew them than the one in `folder`.
    """
    from ostinato.models.bundle import bundle_fingerprint

    path = samples / ABOUT
    about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if about.get(MODEL, own := bundle_fingerprint(folder)) != own:
        raise UserError(
            f"the samples in {console.where(samples)} are not of the model in "
            f"{console.where(folder)}: draw some with `ostinato generate`, or give samples_dir."
        )
    return about


def use_pieces_of_bundle(folder: Path, config: Config, workspace: Workspace) -> Workspace:
    """Return the workspace with the pieces and the split that a bundle of `ostinato run` is of.

    They are beside its folder and in the cache; those of any other bundle are the project's own.
    How pieces are read is said by `config` alone: what lies beside a bundle may be a stranger's.
    """
    run = folder.resolve().parent
    split = run / "split.json"
    if run == workspace.outputs.resolve() or not (run / "config.yaml").is_file():
        return workspace
    if not split.is_file() or check_regular(split, LARGEST_SPLIT) == 0:
        return workspace
    corpus = Config.load(run / "config.yaml", config.plugins)["corpus"]
    data = (workspace.root / str(corpus.get("path"))).resolve()
    own_run = run.is_relative_to(workspace.outputs.resolve())
    if not own_run and not data.is_relative_to(workspace.root.resolve() / "data"):
        return workspace
    shared = read_pieces(Config({**config.tree, "corpus": corpus}, config.plugins), workspace)
    return replace(workspace, shared_pieces=shared, shared_split=split)


def suggest_generate_command(config: Config, workspace: Workspace) -> str | None:
    """Return a command that draws more from the model of `workspace`, as one would type it here.

    None where what params.yaml says of sampling admits none.
    """
    seed = (config["seed"] + 1) % 2**32  # that of the run would draw the same music again
    method: Method = config.build("method")
    first = ["sampling=continue"] if method.needs_prompt(config) else []
    last = [f"seed={seed}", f"model_dir={quoted(console.where(workspace.model))}"]
    own = Workspace(workspace.root, workspace.root / "outputs")
    model = f"model_dir={quoted(str(workspace.model))}"
    for sampling in (first, [*first, "sampling.interpolation_steps=null"], ["sampling=ancestral"]):
        try:
            method.check_sampling(compose_for_bundle([*sampling, model], own))
        except ConfigError:
            continue
        words = [*sampling, *last, f"samples_dir={SAMPLES}"]
        return f"ostinato generate {' '.join(map(shlex.quote, words))}"
    return None


def quoted(path: str) -> str:
    """A path as a Hydra override takes it."""
    plain = all(character.isalnum() or character in "/._-+" for character in path)
    return path if plain else "'{}'".format(path.replace("'", "\\'"))

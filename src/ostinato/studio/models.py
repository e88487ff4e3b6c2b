"""Models: found by a name, opened, described, and asked what they can do."""

import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console, scratch
from ostinato.config import Config
from ostinato.config.registered import is_registered
from ostinato.errors import UserError
from ostinato.files import fingerprint
from ostinato.locks import locked
from ostinato.methods.base import Method
from ostinato.registry import MODEL, fetch_bundle
from ostinato.stages.bundle_config import compose_for_bundle, quoted
from ostinato.stages.compose import compose_tracking
from ostinato.stages.workspace import Workspace
from ostinato.studio.overrides import PROBES
from ostinato.tracking import BUNDLE_TAG, DATABASE, STORE, Tracking
from ostinato.weights import WEIGHTS
from ostinato.wording import quantity

if TYPE_CHECKING:
    from ostinato.models.bundle import Bundle

KEPT = 3  # bundles in memory
WHY_NOT = {
    "compose": "This model makes nothing from nothing: give it music to go on from.",
    "continue": "This model makes whole segments, and continues no music.",
    "infill": "This model fills in no music: an lstm on voices and masked models do.",
    "harmonise": "This model adds no voices: an lstm on voices and masked models do.",
    "vary": "This model has no latent vectors, which a variation needs: a vae has.",
    "interpolate": "This model has no latent vectors to go between: a vae has.",
    "latent": "This model has no latent vectors: a vae has.",
}
"""What people read where a model cannot do something."""
ATTRIBUTES = ("note_density", "pitch_height", "syncopation")
READ = {"bars": "max_bars", "temperature": "temperature", "top_p": "top_p", "min_p": "min_p"}
"""Settings of a request, and those of sampling that they are."""
SHOWN_DEFAULTS = ("temperature", "top_p", "min_p", "pitch_temperature")
MOST_KNOWN = 50  # models that are offered, the newest first


@dataclass
class OpenBundle:
    """A bundle in memory. written: when its weights were; settings, unread: of sampling, by what it
    can do; why_not: by what it cannot.
    """

    folder: Path
    bundle: "Bundle"
    written: int
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    unread: dict[str, list[str]] = field(default_factory=dict)
    why_not: dict[str, str] = field(default_factory=dict)

    @property
    def tracks(self) -> int:
        """Return how many tracks the model writes."""
        return len(getattr(self.bundle.representation, "by_track", (1,)))


@dataclass
class ModelCache:
    """The bundles that a process has opened, the last `KEPT`."""

    workspace: Workspace
    here: Path
    bundles: "OrderedDict[Path, OpenBundle]" = field(default_factory=OrderedDict)

    def take(self, folder: Path) -> OpenBundle:
        """Return the bundle of a folder, opened anew where its weights have changed."""
        from ostinato.models.bundle import load_bundle

        if not (folder / WEIGHTS).is_file():
            raise UserError(f"the model in {console.where(folder)} is gone: open another one.")
        written = (folder / WEIGHTS).stat().st_mtime_ns
        found = self.bundles.pop(folder, None)
        if found is None or found.written != written:
            plugins = self.compose(folder, []).plugins
            found = _probe(OpenBundle(folder, load_bundle(folder, plugins), written), self)
        self.bundles[folder] = found
        while len(self.bundles) > KEPT:
            self.bundles.popitem(last=False)
        return found

    def compose(self, folder: Path, words: Sequence[str]) -> Config:
        """Return the config of `ostinato generate` with these overrides."""
        model = f"model_dir={quoted(str(folder))}"
        return compose_for_bundle([*words, model], self.workspace, self.here)


def _probe(found: OpenBundle, cache: ModelCache) -> OpenBundle:
    """Ask a model what it can do, by composing the config of each."""
    for kind, words in PROBES.items():
        try:
            config = cache.compose(found.folder, words)
            method: Method = config.build("method")
            method.check_sampling(config)
            if kind == "compose" and method.needs_prompt(config):
                raise UserError(WHY_NOT[kind])
            if kind == "harmonise" and found.tracks < 2:
                raise UserError(WHY_NOT[kind])
        except UserError:
            found.why_not[kind] = WHY_NOT[kind]
            continue
        found.settings[kind] = dict(config["sampling"])
        found.unread[kind] = list(method.unread(config))
    return found


def describe(name: str, cache: ModelCache) -> dict[str, Any]:
    """Open a model by its name, and return it as `schemas.ModelOut` has it, with its folder."""
    folder = locate(name, cache)
    found = cache.take(folder)
    config, chosen = found.bundle.config, found.bundle.config["choices"]
    method: Method = config.build("method")
    can = list(found.settings)
    settings = found.settings[can[0]] if can else {}
    unread = found.unread[can[0]] if can else []
    measured, minutes = _measured(folder, method, cache)
    return {
        "folder": str(folder),
        "name": name,
        "corpus": str(chosen.get("corpus")),
        "representation": str(chosen["representation"]),
        "architecture": str(chosen["model"]),
        "method": type(method).__name__.lower(),
        "parameters": sum(p.numel() for p in found.bundle.network.parameters()),
        "measured": measured,
        "minutes": minutes,
        "can": can,
        "why_not": found.why_not,
        "reads": [name for name, key in READ.items() if f"sampling.{key}" not in unread],
        "controls": sorted(method.controls(config)),
        "attributes": list(ATTRIBUTES) if "latent" in can else [],
        "defaults": {
            **{key: settings.get(key) for key in SHOWN_DEFAULTS},
            "bars": settings.get("max_bars"),
        },
        "tracks": found.tracks,
    }


def locate(name: str, cache: ModelCache) -> Path:
    """Return the folder of a bundle: of a folder, a registered model or an MLflow run."""
    path = Path(name).expanduser()
    path = path if path.is_absolute() else cache.here / path
    for place in (path, path / MODEL):
        if (place / WEIGHTS).is_file():
            return place.resolve()
    if path.is_dir():
        raise UserError(f"{console.where(path)} holds no trained model: give the folder of one.")
    workspace = cache.workspace
    tracking = compose_tracking([], workspace.root)
    if is_registered(name):
        return fetch_bundle(name, tracking, workspace.home, workspace.cache).resolve()
    if "/" in name or not _has_store(tracking, workspace):
        raise UserError(f"{name} is not there: give the folder of a trained model.")
    return _fetch_from_run(name, tracking, workspace)


def _fetch_from_run(name: str, tracking: Tracking, workspace: Workspace) -> Path:
    """Return a copy of the bundle of an MLflow run, by the run's id or name."""
    from ostinato.comparison.selection import run_ids
    from ostinato.tracking import client_of

    client, experiment = client_of(tracking, workspace.home)
    ids = run_ids(client, name, experiment)
    if len(ids) > 1:
        raise UserError(f"{len(ids)} runs are called {name}: give the id of one, as {ids[0]}.")
    run = client.get_run(ids[0])
    made = run.data.tags.get(BUNDLE_TAG)
    if made is None or not any(f.path == MODEL for f in client.list_artifacts(ids[0])):
        raise UserError(f"the run {run.info.run_name} has no model: give another run.")
    folder = workspace.cache / "models" / fingerprint([ids[0], made])
    with locked(folder):
        if not folder.exists():
            with scratch.temporary(folder) as beside:
                scratch.put(Path(client.download_artifacts(ids[0], MODEL, str(beside))), folder)
    return folder.resolve()


def _measured(
    folder: Path, method: Method, cache: ModelCache
) -> tuple[list[dict[str, Any]], float | None]:
    """Return figures of the run that trained a model, and how many minutes that took."""
    from ostinato.models.bundle import bundle_fingerprint
    from ostinato.run_notes import find_run

    workspace = cache.workspace
    tracking = compose_tracking([], workspace.root)
    if not (tracking.enabled and _has_store(tracking, workspace)):
        return [], None
    run = find_run(tracking, workspace.home, folder, bundle_fingerprint(folder))
    if run.client is None:
        return [], None
    metrics = run.client.get_run(run.id).data.metrics
    wanted = {method.test_metric: method.test_metric.replace("_", " ").replace("/", " ")}
    figures = [
        {"name": words, "value": metrics[key]}
        for key, words in wanted.items()
        if math.isfinite(metrics.get(key, math.nan))
    ]
    return figures, metrics.get("minutes")


def list_folders(cache: ModelCache) -> list[dict[str, str]]:
    """Return models of the project that can be opened, the newest first."""
    outputs = cache.workspace.outputs
    patterns = ("model", "runs/*/*/model", "sweeps/*/*/*/model")
    found = [file for p in patterns for file in outputs.glob(f"{p}/{WEIGHTS}")]
    dated = sorted(((file.stat().st_mtime, file.parent) for file in found), reverse=True)
    return [
        {"name": console.where(folder), "kind": "folder", "label": _label(folder, date)}
        for date, folder in dated[:MOST_KNOWN]
    ]


def list_registered(cache: ModelCache) -> list[dict[str, str]]:
    """Return the newest versions of registered models."""
    from ostinato.tracking import client_of

    workspace = cache.workspace
    tracking = compose_tracking([], workspace.root)
    if not (tracking.enabled and _has_store(tracking, workspace)):
        return []
    client, _ = client_of(tracking, workspace.home)
    return [
        {
            "name": f"models:/{model.name}/{version.version}",
            "kind": "registered",
            "label": f"{model.name}, version {version.version}",
        }
        for model in client.search_registered_models(max_results=MOST_KNOWN)
        for version in model.latest_versions
    ]


def _has_store(tracking: Tracking, workspace: Workspace) -> bool:
    """Return whether there are runs to look for; asking a store makes one."""
    return tracking.uri is not None or (workspace.home / STORE / DATABASE).exists()


def _label(folder: Path, date: float) -> str:
    """Return what a model is, and how old."""
    try:
        chosen = Config.load(folder / "config.yaml")["choices"]
        words = f"{chosen['model']} on {chosen['corpus']}"
    except (UserError, KeyError):
        words = folder.name
    hours = max(0.0, time.time() - date) / 3600
    if hours < 1:
        return f"{words}, {quantity(round(hours * 60), 'minute')} old"
    return f"{words}, " + (
        f"{quantity(round(hours), 'hour')} old"
        if hours < 48
        else f"{quantity(round(hours / 24), 'day')} old"
    )

"""The bundle: a folder that is all that generating needs, and runs no code of its own.

config.yaml (representation and model), weights.safetensors, vocabulary.tsv, setting.json, and
learned.json where the representation learned from the training pieces.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from ostinato.config import Config
from ostinato.errors import UserError
from ostinato.files import fingerprint, write_json, write_text
from ostinato.folders import replacing_folder
from ostinato.models.steps import Steps
from ostinato.music.setting import Setting
from ostinato.representations.base import Representation

LEARNED = "learned.json"
KEYS = ("representation", "model", "choices")


@dataclass(frozen=True)
class Bundle:
    """A trained network with the representation and the setting it belongs to."""

    config: Config
    representation: Representation
    network: nn.Module
    setting: Setting


def build_network(config: Config, representation: Representation) -> nn.Module:
    """The untrained network of a config, for a representation."""
    network: nn.Module = config.build("model", steps=steps_of(representation))
    return network


def steps_of(representation: Representation) -> Steps:
    """What a network must know of a representation."""
    sizes = tuple(representation.position_sizes)
    return Steps(
        representation.kind,
        representation.size,
        sizes,
        representation.planes,
        representation.period,
        representation.bar_steps,
        representation.beat_steps,
    )


def save_bundle(bundle: Bundle, folder: Path) -> None:
    """Write a bundle, in one step; the same bundle gives the same bytes."""
    with replacing_folder(folder, "model") as part:
        _config_of(bundle).save(part / "config.yaml")
        weights = {name: t.contiguous().cpu() for name, t in bundle.network.state_dict().items()}
        (part / "weights.safetensors").write_bytes(save(weights))
        write_text(part / "vocabulary.tsv", bundle.representation.vocabulary())
        write_json(part / "setting.json", bundle.setting.to_dict())
        if (learned := bundle.representation.learned()) is not None:
            (part / LEARNED).write_bytes(learned)


def _config_of(bundle: Bundle) -> Config:
    """The parts of its config that a bundle keeps, with the corpus called by its name."""
    config = bundle.config.only(*KEYS)
    if "corpus" in bundle.config.tree:
        config.tree["choices"] = config["choices"] | {"corpus": bundle.config["corpus.name"]}
    return config


def load_bundle(folder: Path, plugins: Iterable[str] = ()) -> Bundle:
    """Read a bundle; only classes of ostinato and of the reader's own `plugins` are built.

    Raises `UserError` where the folder is no bundle or its parts do not belong together.
    """
    config = read_config(folder, plugins)
    representation: Representation = config.build("representation")
    if representation.learns:
        _recall(representation, folder / LEARNED)
    network = build_network(config, representation)
    try:
        network.load_state_dict(load_file(folder / "weights.safetensors"))
    except (SafetensorError, RuntimeError) as error:
        raise UserError(
            f"{folder}/weights.safetensors does not fit the model in its config.yaml: "
            f"{' '.join(str(error).split())[:200]}"
        ) from error
    try:
        text = (folder / "setting.json").read_text(encoding="utf-8")
        setting = Setting.from_dict(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder}/setting.json is damaged: train the model again.") from error
    return Bundle(config, representation, network.eval(), setting)


def read_config(folder: Path, plugins: Iterable[str] = ()) -> Config:
    """Return the config of a bundle: its representation, its model and what was chosen for it.

    Raises `UserError` where the folder is no bundle.
    """
    for name in ("config.yaml", "weights.safetensors", "setting.json"):
        if not (folder / name).exists():
            raise UserError(
                f"{folder} is not a trained model: it has no {name}; run `ostinato train`, or give "
                "the folder of a bundle as model_dir."
            )
    config = Config.load(folder / "config.yaml", plugins)
    for key in KEYS:
        if not isinstance(config.tree.get(key), dict):
            raise UserError(f"{folder}/config.yaml is not that of a model: it has no {key}.")
    return config


def _recall(representation: Representation, path: Path) -> None:
    if not path.exists():
        raise UserError(
            f"{path.parent} is not a whole model: it has no {path.name}, which holds what "
            f"{representation.name} learned; train the model again."
        )
    try:
        representation.recall(path.read_bytes())
    except ValueError as error:
        raise UserError(f"{path} is damaged, {error}: train the model again.") from error


def bundle_fingerprint(folder: Path) -> str:
    """What a bundle holds, as 16 hexadecimal digits."""
    return fingerprint(folder)

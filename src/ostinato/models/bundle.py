"""The bundle: a folder that is all that generating needs, and runs no code of its own.

config.yaml (representation and model), weights.safetensors, vocabulary.tsv, setting.json, and
learned.json where the representation was trained on the training pieces.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import nn
from torch.overrides import TorchFunctionMode

from ostinato.config import Config
from ostinato.config.targets import TARGET
from ostinato.errors import UserError
from ostinato.files import fingerprint, write_json, write_text
from ostinato.folders import atomic_folder
from ostinato.models.steps import SequenceSpec
from ostinato.music.piece_defaults import DEFAULTS_FILE, PieceDefaults, read_defaults
from ostinato.representations.base import Representation
from ostinato.untrusted import MIB, printable, read_regular
from ostinato.weights import WEIGHTS, Shape, check_memory, weight_shapes

LEARNED = "learned.json"
FILES = ("config.yaml", WEIGHTS, "vocabulary.tsv", DEFAULTS_FILE, LEARNED)
LARGEST_LEARNED = 16 * MIB
LONGEST_CHOICE = 200  # characters
# of bundles written before: the method by a part of the model, and what the objective held
METHOD_OF = {"critic": "adversarial.Adversarial", "encoder": "variational.Variational"}
MOVED = ("generator_rate", "critic_rate", "betas", "averaging", "collapse", "samples_every")
EMPTY = ("history", "repeats")
GONE = (
    "orderless.",
    "interleaved.",
    "inputs.Intervals",
    "heads.intervals.",
    "adversarial.muse",
    "adversarial.recurrent",
)
# of bundles written before: parts of models that have other names now, and their settings
RENAMED_PARTS = {"models.variational.evidence.Evidence": "models.variational.elbo.ELBO"}
RENAMED_SETTINGS = {
    "nearness": "leap_penalty",
    "apart": "unison_penalty",
    "quick": "offbeat_bias",
    "chance": "noise_scale",
}
ADDED = {"voices": {"controls": None}}
"""By part of a model, settings that bundles written before lack, and what those mean."""
MODEL = "model"  # the folder of a run in which its bundle lies
OF_A_RUN = ("config.yaml", "split.json")  # files of a run beside its bundle
KEYS = ("representation", "model", "method", "choices")


@dataclass(frozen=True)
class Bundle:
    """A trained network with the representation and the setting it belongs to."""

    config: Config
    representation: Representation
    network: nn.Module
    setting: PieceDefaults


def build_network(config: Config, representation: Representation) -> nn.Module:
    """The untrained network of a config, for a representation."""
    network: nn.Module = config.build("model", spec=to_spec(representation))
    return network


def build_hollow_network(config: Config, representation: Representation) -> nn.Module:
    """Return the network of a config without memory: its weights have shapes alone."""
    with torch.device("meta"), _Undrawn():
        return build_network(config, representation)


class _Undrawn(TorchFunctionMode):
    """Draws no first weights: to draw on the meta device loads torch's compiler, for a second."""

    draws = ("normal_", "uniform_", "kaiming_uniform_", "xavier_uniform_", "orthogonal_")

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Do what `func` does, but draw no numbers into a tensor."""
        if getattr(func, "__name__", "") in self.draws:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs or {})


def to_spec(representation: Representation) -> SequenceSpec:
    """Return what a network must know of a representation."""
    return SequenceSpec(
        representation.kind,
        representation.size,
        representation.position_features,
        representation.channels,
        representation.voices_per_step,
        representation.bar_steps,
        representation.beat_steps,
        representation.layout,
        representation.falling,
    )


def save_bundle(bundle: Bundle, folder: Path) -> None:
    """Write a bundle, in one step; the same bundle gives the same bytes."""
    with atomic_folder(folder, "model") as part:
        _config_of(bundle).save(part / "config.yaml")
        weights = {name: t.contiguous().cpu() for name, t in bundle.network.state_dict().items()}
        (part / WEIGHTS).write_bytes(save(weights))
        write_text(part / "vocabulary.tsv", bundle.representation.vocabulary())
        write_json(part / DEFAULTS_FILE, bundle.setting.to_dict())
        if (state := bundle.representation.state()) is not None:
            (part / LEARNED).write_bytes(state)


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
    shapes = weight_shapes(folder / WEIGHTS)
    representation: Representation = config.build("representation")
    if representation.trainable:
        load_learned(representation, folder)
    _check_fit(config, representation, shapes, folder / WEIGHTS)
    network = build_network(config, representation)
    weights = load_file(folder / WEIGHTS)
    for name, weight in weights.items():
        if not bool(torch.isfinite(weight).all()):
            raise UserError(
                f"{folder / WEIGHTS} holds values that are no numbers (NaN or infinite) in "
                f"{printable(name)}: its training diverged; train the model again."
            )
    network.load_state_dict(weights)
    setting = read_defaults(folder / DEFAULTS_FILE)
    return Bundle(config, representation, network.eval(), setting)


def _check_fit(
    config: Config, representation: Representation, shapes: Mapping[str, Shape], path: Path
) -> None:
    """Refuse weights that are not those of the network, before any memory is given to it."""
    network = build_hollow_network(config, representation)
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    names = sorted({*expected, *shapes})
    if wrong := [name for name in names if expected.get(name) != shapes.get(name)]:
        found, due = (_in_words(of.get(wrong[0])) for of in (shapes, expected))
        raise UserError(
            f"{path} does not fit the model in its config.yaml: {printable(wrong[0])} is {found} "
            f"where the model has {due}."
        )
    parts = itertools.chain(network.parameters(), network.buffers())
    check_memory(sum(part.numel() * part.element_size() for part in parts), path)


def _in_words(shape: Shape | None) -> str:
    return "nothing" if shape is None else " × ".join(map(str, shape)) or "a number"


def read_config(folder: Path, plugins: Iterable[str] = ()) -> Config:
    """Return the config of a bundle: its representation, its model and what was chosen for it.

    Raises `UserError` where the folder is no bundle.
    """
    for name in ("config.yaml", WEIGHTS, DEFAULTS_FILE):
        if not (folder / name).exists():
            raise UserError(_explain_missing(folder, name))
    config = upgraded(Config.load(folder / "config.yaml", plugins))
    if gone := next((name for name in GONE if f"ostinato.models.{name}" in config.text()), None):
        raise UserError(
            f"{folder} was trained with an earlier version of ostinato, whose models.{gone} is "
            "gone: train the model again."
        )
    for key in KEYS:
        if not isinstance(config.tree.get(key), dict):
            raise UserError(f"{folder}/config.yaml is not that of a model: it has no {key}.")
    for group, option in config["choices"].items():
        if not isinstance(option, str | bool | None) or len(str(option)) > LONGEST_CHOICE:
            raise UserError(
                f"{folder}/config.yaml is not that of a model: choices.{printable(group)} is not "
                "the name of an option."
            )
    return config


def _explain_missing(folder: Path, name: str) -> str:
    """Return the sentence for a folder that is no bundle: where one is, or how to get one."""
    if (folder / MODEL / WEIGHTS).exists():
        return f"{folder} is a run, and its model is in it: give model_dir={folder / MODEL}."
    runs = [run for run in (folder, folder.parent) if all((run / f).is_file() for f in OF_A_RUN)]
    # files of DVC's stages lie in outputs/ too
    if runs and runs[0].name != "outputs" and not (folder / WEIGHTS).exists():
        return (
            f"the run in {runs[0]} has no trained model: its training did not come to its end, or "
            "its model was not copied along; run it again in its own project, or give the folder "
            "of another bundle as model_dir."
        )
    return (
        f"{folder} is not a trained model: it has no {name}; run `ostinato train`, or give the "
        "folder of a bundle as model_dir."
    )


def upgraded(config: Config) -> Config:
    """Return the config of a bundle that was written before, as it would be written now.

    Parts of a model and their settings get the names that they have now, and settings that there
    were none of then. Where models had no
    method, it gets one, and settings of training that stood in the model then are left out.
    """
    model = config.tree.get("model")
    if not isinstance(model, dict):
        return config
    model = {name: _complete(name, _rename(node)) for name, node in model.items()}
    config = Config({**config.tree, "model": model}, config.plugins)
    if "method" in config.tree:
        return config
    method = next((m for part, m in METHOD_OF.items() if part in model), "likelihood.Likelihood")
    model = {name: _without_training(node) for name, node in model.items()}
    target = {TARGET: f"ostinato.methods.{method}"}
    own = config.tree.get("representation")
    if isinstance(own, dict):  # what voices could say besides, if they did not
        own = {name: value for name, value in own.items() if name not in EMPTY or value}
    tree = {**config.tree, "representation": own, "model": model, "method": target}
    return Config(tree, config.plugins)


def _rename(node: Any) -> Any:
    """Return a part of a model with the names of now; a plug-in's own part stays as it is."""
    if not isinstance(node, dict) or not str(node.get(TARGET)).startswith("ostinato.models."):
        return node
    target = node[TARGET].removeprefix("ostinato.")
    renamed = {RENAMED_SETTINGS.get(name, name): value for name, value in node.items()}
    return renamed | {TARGET: f"ostinato.{RENAMED_PARTS.get(target, target)}"}


def _complete(name: str, node: Any) -> Any:
    """Return a part of a model with the settings that it lacks."""
    if not isinstance(node, dict):
        return node
    return node | {key: value for key, value in ADDED.get(name, {}).items() if key not in node}


def _without_training(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    return {name: value for name, value in node.items() if name not in MOVED}


def load_learned(representation: Representation, folder: Path) -> None:
    """Give a representation what it has learned, as the bundle in `folder` keeps it.

    Raises `UserError` where that is missing or damaged.
    """
    path = folder / LEARNED
    if not path.exists():
        raise UserError(
            f"{path.parent} is not a whole model: it has no {path.name}, which holds the "
            f"state of {representation.name}; train the model again."
        )
    try:
        representation.load_state(read_regular(path, LARGEST_LEARNED))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged, {error}: train the model again.") from error


def bundle_fingerprint(folder: Path) -> str:
    """Return what a bundle holds, as 16 hexadecimal digits; other files beside it do not count."""
    names = sorted(name for name in FILES if (folder / name).is_file())
    return fingerprint(*(part for name in names for part in (name, folder / name)))

"""The model that a training starts from, for fine-tuning: `training.initial`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.config import Config
from ostinato.config.hydra_settings import flatten
from ostinato.config.instantiate import shown
from ostinato.config.registered import is_registered
from ostinato.config.targets import TARGET
from ostinato.errors import ConfigError
from ostinato.stages.workspace import Workspace
from ostinato.weights import WEIGHTS, weight_shapes

if TYPE_CHECKING:
    from torch import nn

    from ostinato.models.bundle import Bundle
    from ostinato.representations.base import Representation

KEY = "training.initial"


@dataclass(frozen=True)
class Initial:
    """A bundle that a training starts from.

    address: as the config gives it; folder: where the bundle lies; fingerprint: of what it holds.
    """

    address: str
    folder: Path
    fingerprint: str
    plugins: tuple[str, ...]

    @cached_property
    def bundle(self) -> "Bundle":
        """Return the bundle with its weights, read once."""
        from ostinato.models.bundle import load_bundle

        return load_bundle(self.folder, self.plugins)

    def check(self, config: Config) -> None:
        """Raise `ConfigError` where a network of `config` cannot start from this bundle.

        The representation must be the same in every value. The classes of the model and the shapes
        of its weights must be the same; settings such as dropout may differ. Reads no weights.
        """
        from ostinato.models.bundle import read_config

        own = read_config(self.folder, self.plugins)
        self._refuse(
            list(_differences(own["representation"], config["representation"], "representation.")),
            own,
        )
        theirs, ours = (_targets(one["model"]) for one in (own, config))
        self._refuse(list(_differences(theirs, ours, "model.")), own)
        method = own["method"].get(TARGET)
        if method != config["method"].get(TARGET):
            raise ConfigError(
                f"{KEY}={self.address} does not fit: that model was trained by {method}, and "
                f"model={config['choices']['model']} is trained by {config['method'][TARGET]}."
            )
        self._check_shapes(config)

    def _refuse(self, differing: list[str], own: Config) -> None:
        if not differing:
            return
        more = f" (and {len(differing) - 1} more)" if differing[1:] else ""
        raise ConfigError(
            f"{KEY}={self.address} does not fit: {differing[0]}{more}; that model was trained as "
            f"model={own['choices'].get('model')} on "
            f"representation={own['choices'].get('representation')}: set the same values."
        )

    def _check_shapes(self, config: Config) -> None:
        """Refuse weights of other shapes than those of the network of `config`."""
        from ostinato.models.bundle import build_hollow_network

        representation: Representation = config.build("representation")
        if representation.trainable:  # its size is known once it has been trained
            from ostinato.models.bundle import load_learned

            load_learned(representation, self.folder)
        network = build_hollow_network(config, representation)
        expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
        found = weight_shapes(self.folder / WEIGHTS)
        for name in sorted({*expected, *found}):
            if expected.get(name) != found.get(name):
                ours, theirs = (_in_words(of.get(name)) for of in (expected, found))
                raise ConfigError(
                    f"{KEY}={self.address} does not fit: {name} is {theirs} there and {ours} in "
                    "this network: set the sizes of the model as they were."
                )

    def prepare(self, representation: "Representation") -> None:
        """Give a representation what that of the bundle has learned, such as byte pairs.

        Raises `ConfigError` where it then writes other tokens than the bundle's vocabulary says.
        """
        if representation.trainable:
            state = self.bundle.representation.state()
            assert state is not None
            representation.load_state(state)
        file = self.folder / "vocabulary.tsv"
        text = file.read_text(encoding="utf-8") if file.is_file() else None
        if text is not None and text != representation.vocabulary():
            raise ConfigError(
                f"{KEY}={self.address} does not fit: its vocabulary.tsv is of an earlier version "
                f"of {representation.name}: train that model again."
            )

    def give_weights(self, network: "nn.Module") -> None:
        """Let a network begin with the weights of the bundle."""
        network.load_state_dict(self.bundle.network.state_dict())


def find_initial(config: Config, workspace: Workspace) -> Initial | None:
    """Return the bundle that `training.initial` names; None where training starts from nothing.

    Raises `UserError` for what is no bundle or is not registered.
    """
    address = config["training"].get("initial")
    if address is None:
        return None
    from ostinato.models.bundle import bundle_fingerprint, read_config

    if is_registered(address):
        from ostinato.registry import fetch_bundle

        tracking = config.build("tracking")
        folder = fetch_bundle(address, tracking, workspace.home, workspace.cache)
    else:
        folder = workspace.root / Path(address).expanduser()
        if not folder.is_dir():
            raise ConfigError(
                f"{KEY}={console.where(folder)} is not there: give the folder of a model, such as "
                "outputs/model, or the address of a registered one."
            )
    read_config(folder, config.plugins)  # a folder that is no bundle is refused in words
    return Initial(address, folder, bundle_fingerprint(folder), config.plugins)


def check_initial(config: Config, workspace: Workspace) -> None:
    """Raise `UserError` where training cannot start from what `training.initial` names."""
    if (initial := find_initial(config, workspace)) is not None:
        initial.check(config)


def _differences(theirs: Mapping[str, Any], ours: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """Yield words for each value in which two trees differ."""
    before, after = flatten(theirs), flatten(ours)
    for key in dict.fromkeys((*before, *after)):
        old, new = (shown(tree[key]) if key in tree else "not there" for tree in (before, after))
        if old != new:
            yield f"{prefix}{key} is {old} there and {new} here"


def _targets(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return the classes of a model by their dotted keys."""
    return {key: v for key, v in flatten(model).items() if key.rpartition(".")[2] == TARGET}


def _in_words(shape: tuple[int, ...] | None) -> str:
    return "nothing" if shape is None else " × ".join(map(str, shape)) or "a number"

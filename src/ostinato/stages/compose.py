"""compose: params.yaml and conf/ -> one resolved config, every value checked."""

from collections.abc import Sequence
from pathlib import Path

from ostinato import console
from ostinato.config import Config, compose, conf_folder, group_options
from ostinato.config.composing import params_overrides, unless
from ostinato.errors import ConfigError
from ostinato.stages.workspace import Workspace

READS: tuple[str, ...] = ()


def run(config: Config, workspace: Workspace) -> None:
    """Write the composed config."""
    config.save(workspace.config)
    chosen = config["choices"]
    console.say(
        f"composed {console.where(workspace.config)}: "
        + ", ".join(f"{group}={option}" for group, option in chosen.items() if option)
    )


def composed(overrides: Sequence[str], root: Path) -> Config:
    """The config of a project's params.yaml under further overrides, checked.

    Raises `ConfigError` with one sentence for the first thing that does not fit.
    """
    params = root / "params.yaml"
    conf = conf_folder(root)
    given = params_overrides(params) if params.exists() else []
    config = compose([*unless(given, overrides), *overrides], conf)
    check_fit(config, conf)
    return config


def check_fit(config: Config, conf: Path) -> None:
    """Refuse what the representation does not go with: an architecture, or transposing."""
    check_transposing(config)
    if fits(config):
        return
    model, representation = (config["choices"][group] for group in ("model", "representation"))
    if models := _fitting("model", representation=representation, conf=conf):
        raise ConfigError(
            f"model={model} cannot take representation={representation}: "
            f"the models that can are {', '.join(models)}."
        )
    others = _fitting("representation", model=model, conf=conf)
    kind = getattr(config.target("representation"), "kind", "something else")
    raise ConfigError(
        f"no model in conf/model takes representation={representation}, whose steps are {kind}: "
        f"model={model} takes {', '.join(others) or 'no representation that is there'}."
    )


def check_transposing(config: Config) -> None:
    """Refuse to transpose, while training, what the representation cannot."""
    training, representation = config.build("training"), config.build("representation")
    if any(training.transpose) and not representation.transposes:
        raise ConfigError(
            f"representation={config['choices']['representation']} cannot be transposed as it is "
            "set, as byte pairs would be other tokens then: say training.transpose=[0,0]."
        )


def fits(config: Config) -> bool:
    """Whether every part of the model takes the representation's kind, or it by name."""
    representation = config.target("representation")
    offered = {getattr(representation, "kind", None), getattr(representation, "name", None)}
    parts = [cls for _, cls in config.targets("model")]
    return all(offered & part.takes for part in parts if hasattr(part, "takes"))


def _fitting(group: str, conf: Path, **chosen: str) -> list[str]:
    """The options of a group that go with what is chosen of another."""
    others = [f"{other}={option}" for other, option in chosen.items()]
    return [
        option
        for option in group_options(conf, group)
        if fits(compose([f"{group}={option}", *others, "~experiment"], conf))
    ]

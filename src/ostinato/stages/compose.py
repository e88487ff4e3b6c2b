"""compose: params.yaml and conf/ -> one resolved config, every value checked."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato import console
from ostinato.config import Config, compose, conf_folder, group_options
from ostinato.config.command import read_params
from ostinato.config.composition import compose_tree, without_overridden
from ostinato.config.location import to_project_paths
from ostinato.config.overrides import quote_paths
from ostinato.config.unread import refuse_unread
from ostinato.errors import ConfigError
from ostinato.methods.base import Method
from ostinato.stages.workspace import Workspace

if TYPE_CHECKING:
    from ostinato.tracking import Tracking

READS: tuple[str, ...] = ()


def run(config: Config, workspace: Workspace) -> None:
    """Write the composed config, once what it names has been looked at."""
    from ostinato.stages.initial import check_initial
    from ostinato.stages.preflight import check_generation, check_music_of_corpora

    check_initial(config, workspace)
    check_generation(config, workspace)
    check_music_of_corpora(config, workspace)
    config.save(workspace.config)
    if config.left_out:
        console.say(
            f"model={config['choices']['model']} does not read {', '.join(config.left_out)}, which "
            "files of conf/ set: left out"
        )
    chosen = config["choices"]
    console.say(
        f"composed {console.where(workspace.config)}: "
        + ", ".join(f"{group}={option}" for group, option in chosen.items() if option)
    )


def compose_config(
    overrides: Sequence[str],
    root: Path,
    here: Path | None = None,
    given: Sequence[str] | None = None,
) -> Config:
    """Return the config of a project's params.yaml under further overrides, checked.

    Paths in the overrides are seen from `here`. `given` are overrides in place of those of
    params.yaml. Raises `ConfigError` with one sentence for the first thing that does not fit.
    """
    given = read_params(root) if given is None else given
    config = compose_values(overrides, root, here, given)
    refuse_unread(config, [*given, *overrides])
    check_compatibility(config, conf_folder(root))
    return config


def compose_values(
    overrides: Sequence[str],
    root: Path,
    here: Path | None = None,
    given: Sequence[str] | None = None,
) -> Config:
    """Return the same config, of which each value is checked, but not what goes with what."""
    given = without_overridden(read_params(root) if given is None else given, overrides)
    config = compose([*given, *quote_paths(overrides)], conf_folder(root))
    return to_project_paths(config, overrides, here or root, root)


def compose_tracking(overrides: Sequence[str], root: Path) -> "Tracking":
    """Return where a project's runs are recorded; nothing else of the config is looked at."""
    given = without_overridden(read_params(root), overrides)
    config = Config(compose_tree([*given, *quote_paths(overrides)], conf_folder(root)))
    config.check("tracking")
    tracking: Tracking = config.build("tracking")
    return tracking


def check_compatibility(config: Config, conf: Path) -> None:
    """Refuse what does not go together: an architecture, how it is trained, how it is sampled."""
    from ostinato.stages.preflight import check_corpora

    method: Method = config.build("method")
    check_transposition(config)
    check_corpora(config, config)
    if is_compatible(config):
        method.check(config)
        method.check_sampling(config)
        return
    model, representation = (config["choices"][group] for group in ("model", "representation"))
    if models := _fitting("model", representation=representation, conf=conf):
        changed = " as it is set" if model in models else ""
        raise ConfigError(
            f"model={model}{changed} cannot take representation={representation}: "
            f"the models that can are {', '.join(models)}."
        )
    others = _fitting("representation", model=model, conf=conf)
    kind = getattr(config.target("representation"), "kind", "something else")
    raise ConfigError(
        f"no model in conf/model takes representation={representation}, whose steps are {kind}: "
        f"model={model} takes {', '.join(others) or 'no representation that is there'}."
    )


def check_transposition(config: Config) -> None:
    """Refuse to transpose what cannot be transposed."""
    training, representation = config.build("training"), config.build("representation")
    if any(training.transpose) and not representation.transposes:
        raise ConfigError(
            f"representation={config['choices']['representation']} cannot be transposed as it is "
            "set, as byte pairs would be other tokens then: say training.transpose=[0,0]."
        )
    if any(config["evaluation"].get("transpose") or ()) and not representation.transposes:
        raise ConfigError(
            f"evaluation.transpose={config['evaluation.transpose']} does not fit: "
            f"representation={config['choices']['representation']} cannot be transposed as it is "
            "set: say evaluation.transpose=[0,0]."
        )


def is_compatible(config: Config) -> bool:
    """Return whether every part of the model takes the representation's kind, or it by name.

    Of a model that says which `parts` serve for which kind, those must be there and take it.
    """
    representation = config.target("representation")
    kind = getattr(representation, "kind", None)
    offered = {kind, getattr(representation, "name", None)}
    parts = dict(config.targets("model"))
    serving = getattr(config.target("model"), "parts", None)
    if serving is None:
        return all(offered & part.takes for part in parts.values() if hasattr(part, "takes"))
    used = [parts.get(f"model.{name}") for name in serving.get(kind, ())]
    return bool(used) and all(offered & getattr(part, "takes", set()) for part in used)


def _fitting(group: str, conf: Path, **chosen: str) -> list[str]:
    """The options of a group that go with what is chosen of another."""
    others = [f"{other}={option}" for other, option in chosen.items()]
    return [
        option
        for option in group_options(conf, group)
        if is_compatible(compose([f"{group}={option}", *others, "~experiment"], conf))
    ]

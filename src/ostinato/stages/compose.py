"""compose: params.yaml and conf/ -> one resolved config, every value checked."""

from collections.abc import Sequence
from pathlib import Path

from ostinato import console
from ostinato.config import Config, compose, conf_folder, group_options
from ostinato.config.composition import params_overrides, without_overridden
from ostinato.config.location import to_project_paths
from ostinato.config.overrides import quote_paths
from ostinato.errors import ConfigError
from ostinato.stages.workspace import Workspace

READS: tuple[str, ...] = ()
SIZES = ("_tiny", "_base")  # of an architecture, which fit where it does


def run(config: Config, workspace: Workspace) -> None:
    """Write the composed config, once what it names has been looked at."""
    from ostinato.stages.ahead import check_ahead

    check_ahead(config, workspace)
    config.save(workspace.config)
    chosen = config["choices"]
    console.say(
        f"composed {console.where(workspace.config)}: "
        + ", ".join(f"{group}={option}" for group, option in chosen.items() if option)
    )


def composed(overrides: Sequence[str], root: Path, here: Path | None = None) -> Config:
    """Return the config of a project's params.yaml under further overrides, checked.

    Paths in the overrides are seen from `here`. Raises `ConfigError` with one sentence for the
    first thing that does not fit.
    """
    config = compose_values(overrides, root, here)
    check_fit(config, conf_folder(root))
    return config


def compose_values(overrides: Sequence[str], root: Path, here: Path | None = None) -> Config:
    """Return the same config, of which each value is checked, but not what goes with what."""
    params = root / "params.yaml"
    conf = conf_folder(root)
    given = params_overrides(params) if params.exists() else []
    config = compose([*without_overridden(given, overrides), *quote_paths(overrides)], conf)
    return to_project_paths(config, overrides, here or root, root)


def check_fit(config: Config, conf: Path) -> None:
    """Refuse what the representation does not go with: an architecture, or how it is trained."""
    check_training(config)
    if fits(config):
        check_frames(config)
        check_lines(config)
        check_sampling(config)
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


def check_training(config: Config) -> None:
    """Refuse to transpose, while training, what cannot be, and to weigh tokens where none are."""
    training, representation = config.build("training"), config.build("representation")
    if training.label_weighting and representation.kind != "tokens":
        raise ConfigError(
            f"training.label_weighting={training.label_weighting:g} weighs tokens, and the steps "
            f"of representation={config['choices']['representation']} are {representation.kind}: "
            "say training.label_weighting=0.0."
        )
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
    if _makes_segments(config) and (training.devices > 1 or training.precision == "16-mixed"):
        raise ConfigError(
            f"model={config['choices']['model']} is trained on one device, in 32 bits or bfloat16: "
            "say training.devices=1 and training.precision=32-true or bf16-mixed."
        )


def check_sampling(config: Config) -> None:
    """Refuse sampling that the model cannot do: a prompt, none, or segments between two."""
    model, sampling = config["choices"]["model"], config["sampling"]
    prompt, steps = sampling.get("prompt"), sampling.get("steps")
    if needs_prompt(config) and prompt is None:
        made = "makes" if _makes_segments(config) else "has no token for a beginning: it makes"
        raise ConfigError(
            f"model={model} {made} music to what is given: say sampling=continuation or "
            "sampling.prompt=my.mid."
        )
    if _makes_segments(config) and prompt is not None and not _made_to(config):
        raise ConfigError(
            f"sampling.prompt={prompt} does not fit: model={model} makes whole segments and "
            "continues none: say sampling.prompt=null."
        )
    if steps is not None and not _makes_segments(config):
        raise ConfigError(
            f"sampling.steps={steps} does not fit: model={model} makes no segments between which "
            "there is a way: say sampling.steps=null."
        )
    check_given(config)


def needs_prompt(config: Config) -> bool:
    """Return whether the model makes nothing from nothing.

    That is one which was trained on what segments are made to, and one without a token for the
    beginning and the end of a piece.
    """
    from ostinato.representations.base import TokenRepresentation

    if _makes_segments(config):
        return _made_to(config)
    representation = config.build("representation")
    return isinstance(representation, TokenRepresentation) and not representation.end_token


def _makes_segments(config: Config) -> bool:
    from ostinato.models.segments import SegmentModel

    return issubclass(config.target("model"), SegmentModel)


def _made_to(config: Config) -> bool:
    model = config["model"]
    return bool(model.get("given_bars")) or model.get("given_voice") is not None


def check_lines(config: Config) -> None:
    """Refuse segments whose bars or pitches the representation does not have."""
    if not _makes_segments(config):
        return
    representation, pitches = config.build("representation"), config["model"]["pitch_range"]
    chosen = config["choices"]
    if representation.kind == "frames" and not representation.beat_steps:
        raise ConfigError(
            f"model={chosen['model']} takes steps of which a whole number are a quarter note, and "
            f"representation.step={config['representation']['step']} is none: say "
            "representation.step=1/4."
        )
    if not representation.lowest <= pitches[0] <= pitches[1] <= representation.highest:
        raise ConfigError(
            f"model.pitch_range={list(pitches)} leaves the pitches of "
            f"representation={chosen['representation']}, {representation.lowest} to "
            f"{representation.highest}."
        )


def check_given(config: Config) -> None:
    """Refuse to begin with given music where a model finds no latent vectors of it."""
    from ostinato.models.variational.vae import VAE

    given = config.build("sampling").given
    if given and not issubclass(config.target("model"), VAE):
        model, sampling = config["choices"]["model"], config["choices"]["sampling"]
        raise ConfigError(
            f"sampling={sampling} begins with given music ({', '.join(given)}), and model={model} "
            "finds no latent vectors of it: say model=vae."
        )


def check_frames(config: Config) -> None:
    """Refuse frames that say more than heads give probabilities to: 0 and 1."""
    representation = config.build("representation")
    if representation.kind == "frames" and not representation.binary:
        raise ConfigError(
            f"representation={config['choices']['representation']} says how loud notes are, and "
            "models take frames of what sounds alone: say representation.velocity=false."
        )


def fits(config: Config) -> bool:
    """Whether every part of the model takes the representation's kind, or it by name.

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
    options = [o for o in group_options(conf, group) if not o.endswith(SIZES)]
    return [
        option
        for option in options
        if fits(compose([f"{group}={option}", *others, "~experiment"], conf))
    ]

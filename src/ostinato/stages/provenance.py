"""Origins of a report: what was asked of a run, and the command that runs it again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import __version__, console
from ostinato.config import Config, conf_folder
from ostinato.config.command import LEFT_OUT, find_command, read_params
from ostinato.config.hydra_settings import flatten
from ostinato.config.targets import PARTIAL, TARGET
from ostinato.errors import ConfigError
from ostinato.files import fingerprint
from ostinato.stages.bundle_config import read_sampling_record
from ostinato.stages.commit import read_commit
from ostinato.stages.encoding import read_split
from ostinato.stages.workspace import Workspace, samples_folder
from ostinato.wording import quantity

if TYPE_CHECKING:
    from ostinato.evaluation.report import Origin
    from ostinato.models.bundle import Bundle

OF_A_TRAINING = ("corpus", "split", "representation", "model", "method", "training", "seed")
# beside samples, and said elsewhere, or of their sound alone
DRAWN = ("model", "representation", "corpus", "seed", "pieces", "max_bars", "cut_pieces", "bundle")
UNSAID = (*DRAWN, "sample_rate", "soundfont")


@dataclass(frozen=True)
class EvaluatedRun:
    """The run that is evaluated. config: that of the evaluation; folder: of the bundle."""

    config: Config
    workspace: Workspace
    folder: Path
    bundle: "Bundle"

    @cached_property
    def bundle_hash(self) -> str:
        """Return the fingerprint of the bundle."""
        from ostinato.models.bundle import bundle_fingerprint

        return bundle_fingerprint(self.folder)

    @cached_property
    def samples(self) -> dict[str, Any]:
        """Return how the samples were drawn, as it is written beside them.

        Raises `UserError` where another model drew them.
        """
        return read_sampling_record(samples_folder(self.config, self.workspace), self.folder)

    @cached_property
    def training(self) -> tuple[Config | None, str]:
        """Return the config that trained the bundle; None where it is not known, and why not."""
        return find_training_config(self)

    @cached_property
    def split(self) -> dict[str, list[str]]:
        """Return the names of pieces by part."""
        return read_split(self.workspace)


def describe_origin(run: EvaluatedRun, best_epoch: float | None) -> "Origin":
    """Return what was asked of a run, how to run it again, and of which data and code it is."""
    from ostinato.evaluation.report import Origin

    config, remark = run.training
    command, remarks = "", [remark] if remark else []
    if config is not None:
        params = read_params(run.workspace.root)
        found = find_command(config, conf_folder(run.workspace.root), params)
        command = found.text
        if found.unexpressed:
            named = ", ".join(found.unexpressed)
            remarks.append(
                f"No override can say {named}: without what outputs/config.yaml says of that, the "
                "command makes another run."
            )
        remarks += _explain_samples(config, run)
    sentences = _describe(config or run.bundle.config, run, best_epoch)
    return Origin(" ".join(sentences), command, remarks, dict(_identify(config, run)))


def find_training_config(run: EvaluatedRun) -> tuple[Config | None, str]:
    """Return the config that trained a bundle, with the evaluation of this one.

    It is the config.yaml beside the bundle, which `ostinato run` and `dvc repro` write. None where
    that is not there or cannot be it, with a sentence that says so.
    """
    folder, workspace = run.folder.resolve(), run.workspace
    file = folder.parent / "config.yaml"
    homes = (workspace.outputs.resolve(), (workspace.root / "outputs").resolve())
    if not any(folder.is_relative_to(home) for home in homes):
        return None, "The model is from elsewhere, so that the command that made it is not known."
    name = console.where(file)
    if not file.is_file():
        return None, f"{name} is not there, so that the command that made this is not known."
    found = Config.load(file, run.config.plugins)
    others = [k for k in ("representation", "model", "method") if not _agree(found, run, k)]
    if folder == (workspace.root / "outputs" / "model").resolve():
        # stages that are run one by one with overrides do not write it
        others += [k for k in OF_A_TRAINING if _get(found, k) != _get(run.config, k)]
    if others:
        named = ", ".join(dict.fromkeys(others))
        return None, (
            f"{name} says otherwise of {named} than this evaluation, so that the command that made "
            "this is not known: `ostinato run` and `dvc repro` keep both alike."
        )
    return Config({**found.tree, "evaluation": run.config["evaluation"]}, found.plugins), ""


def list_settings(run: EvaluatedRun) -> dict[str, Any]:
    """Return the chosen options, and every value where the config of the training is known."""
    chosen = {k: v for k, v in run.bundle.config["choices"].items() if v}
    config, _ = run.training
    if config is None:
        return chosen
    values = flatten({k: v for k, v in config.tree.items() if k not in (*LEFT_OUT, "choices")})
    return chosen | {key: value for key, value in values.items() if not _is_class(key)}


def _is_class(key: str) -> bool:
    return key.rpartition(".")[2] in (TARGET, PARTIAL)


def _agree(found: Config, run: EvaluatedRun, key: str) -> bool:
    return bool(_get(found, key) == _get(run.bundle.config, key))


def _get(config: Config, key: str) -> Any:
    try:
        return config[key]
    except ConfigError:
        return None


def _explain_samples(config: Config, run: EvaluatedRun) -> Iterator[str]:
    """Yield a sentence where samples were drawn otherwise than the config of the run says."""
    expected = {**config["sampling"], "seed": config["seed"]}
    others = [
        f"{key}={value}"
        for key, value in run.samples.items()
        if key in expected and value != expected[key]
    ]
    if others:
        yield (
            f"The samples were drawn afterwards, by `ostinato generate` with {', '.join(others)}: "
            "the command draws its own."
        )


def _describe(config: Config, run: EvaluatedRun, best_epoch: float | None) -> Iterator[str]:
    """Yield sentences about what was asked."""
    choices = run.bundle.config["choices"]
    corpus = (_get(config, "corpus") or {}).get("name", choices["corpus"])
    counts = {part: len(names) for part, names in run.split.items()}
    yield (
        f"Music like that of {corpus}: {quantity(counts.get('train', 0), 'piece')} to train on, "
        f"{counts.get('validation', 0)} to choose the weights by, and {counts.get('test', 0)} held "
        "out, which the model has never seen."
    )
    steps = config["representation"].get("steps_per_quarter")
    fine = f" with {steps} steps a quarter note" if steps else ""
    parameters = sum(weights.numel() for weights in run.bundle.network.parameters())
    yield (
        f"Pieces are written as {choices['representation']}{fine}, and the network is "
        f"{choices['model']}, with {parameters:,} parameters."
    )
    if (training := _get(config, "training")) is not None:
        yield _describe_training(training, best_epoch)
    yield from _describe_samples(run.samples)


def _describe_training(training: Mapping[str, Any], best_epoch: float | None) -> str:
    low, high = training.get("transpose") or (0, 0)
    moved = f", transposed by {low} to {high} semitones" if low or high else ""
    best = f"; validation was best after epoch {best_epoch:g}" if best_epoch is not None else ""
    return (
        f"It was trained for {quantity(training['epochs'], 'epoch')} at most in batches of "
        f"{training['batch_size']}{moved}{best}."
    )


def _describe_samples(about: Mapping[str, Any]) -> Iterator[str]:
    """Yield how samples were drawn, where there are any."""
    if not (pieces := about.get("pieces")):
        return
    length = f" of at most {about['max_bars']} bars" if "max_bars" in about else ""
    said = [
        f"{name.replace('_', ' ')} {value}"
        for name, value in about.items()
        if name not in UNSAID and isinstance(value, str | int | float)
    ]
    settings = f" ({', '.join(said)})" if said else ""
    yield f"Then it was asked for {quantity(pieces, 'piece')}{length}{settings}."


def _identify(config: Config | None, run: EvaluatedRun) -> Iterator[tuple[str, str]]:
    """Yield what names seeds, data, weights and code."""
    workspace = run.workspace
    if config is not None:
        yield "seed of weights and batches", str(config["seed"])
        if (seed := config["split"].get("seed")) is not None:
            yield "seed of the split", str(seed)
    if "seed" in run.samples:
        yield "seed of the samples", str(run.samples["seed"])
    yield "fingerprint of the pieces", fingerprint(workspace.pieces)
    yield "fingerprint of the split", fingerprint(workspace.split)
    yield "fingerprint of the model", run.bundle_hash
    yield "version of ostinato", __version__
    if workspace.outputs.resolve() == (workspace.root / "outputs").resolve():
        # a page that DVC hashes must not change with each commit
        yield (
            "commit of the code",
            (
                "that whose dvc.lock names this page (git log dvc.lock); on the MLflow run the tag "
                "mlflow.source.git.commit"
            ),
        )
    elif (commit := read_commit(workspace.root)).hash:
        yield "commit of the code", commit.hash + (", and changes" if commit.changed else "")

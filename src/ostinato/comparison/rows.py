"""Rows of a comparison: runs that differ in their seed alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ostinato.comparison.runs import RecordedRun
from ostinato.tracking import PRUNED_TAG, SUPERSEDED_TAG
from ostinato.wording import quantity

# what has no part in the result, or is the seed
UNCOMPARED = ("seed", "parameters", "model_dir", "samples_dir", "plugins", "evaluation.corpora")
UNCOMPARED_GROUPS = ("tracking.", "preprocess.", "corpus.path", "corpus.mirror", "test_corpora.")
CHOICES = "choices."
UNSHOWN_CHOICES = ("choices.tracking", "choices.preprocess", "choices.debug", "choices.experiment")
# groups whose values follow from the choice of others
FOLLOWS = {"training": ("model", "training"), "method": ("model",), "model": ("model",)}
FINISHED = "FINISHED"


@dataclass(frozen=True)
class Row:
    """Runs of one config, one a seed. label: the values that tell it from the other rows."""

    label: Mapping[str, str]
    runs: tuple[RecordedRun, ...]

    @property
    def name(self) -> str:
        """Return the label in a line; the name of a run where no value differs."""
        return ", ".join(self.label.values()) or self.runs[0].name

    @property
    def first(self) -> RecordedRun:
        """Return the run of the lowest seed."""
        return self.runs[0]


@dataclass(frozen=True)
class Rows:
    """Rows, and what a reader must know about the runs that are not in them."""

    rows: list[Row]
    notes: list[str] = field(default_factory=list)


def group_runs(runs: Sequence[RecordedRun]) -> Rows:
    """Return a row for each config, in order of the runs.

    Runs that did not finish are left out. Of two runs of one config and seed the newer counts.
    """
    notes: list[str] = []
    replaced = [run for run in runs if SUPERSEDED_TAG in run.tags]
    if replaced:
        notes.append(
            f"left out: {quantity(len(replaced), 'run')} whose job of a sweep was run again with "
            "other settings."
        )
    if pruned := [run for run in runs if PRUNED_TAG in run.tags]:
        notes.append(f"left out: {quantity(len(pruned), 'run')} that a search ended early.")
    runs = [run for run in runs if run not in [*replaced, *pruned]]
    finished = [run for run in runs if run.status == FINISHED]
    if len(finished) < len(runs):
        others = [f"{run.name} ({run.status})" for run in runs if run.status != FINISHED]
        notes.append(f"left out, as they did not finish: {_listed(others)}.")
    groups: dict[tuple[object, ...], dict[str, RecordedRun]] = {}
    again = 0
    for run in sorted(finished, key=lambda run: run.started):
        seeds = groups.setdefault(_identity(run), {})
        again += run.seed in seeds
        seeds[run.seed] = run
    if again:
        notes.append(
            f"left out: {quantity(again, 'run')} of a config and seed that a newer run repeats."
        )
    kept = [sorted(seeds.values(), key=_by_seed) for seeds in groups.values()]
    labels = _label([runs[0] for runs in kept])
    rows = [Row(label, tuple(runs)) for label, runs in zip(labels, kept, strict=True)]
    return Rows(rows, [*notes, *_warn(rows)])


def _identity(run: RecordedRun) -> tuple[object, ...]:
    return (*sorted(_compared(run).items()), run.data)


def _compared(run: RecordedRun) -> dict[str, str]:
    """Return the parameters of a run that may make its result another one."""
    return {
        key: value
        for key, value in run.parameters.items()
        if key not in (*UNCOMPARED, *UNSHOWN_CHOICES) and not key.startswith(UNCOMPARED_GROUPS)
    }


def _label(runs: Sequence[RecordedRun]) -> list[dict[str, str]]:
    """Return the values that differ between runs, by key.

    Values that only follow from another choice are not named: two models have different layers.
    """
    compared = [_compared(run) for run in runs]
    keys = dict.fromkeys(key for values in compared for key in values)
    shown = [key for key in keys if not key.endswith("_target_") and _differs(key, compared)]
    shown.sort(key=lambda key: not key.startswith(CHOICES))
    labels = [
        {key.removeprefix(CHOICES): values.get(key, "–") for key in shown} for values in compared
    ]
    if len({run.data for run in runs}) > 1 and not any("corpus" in key for key in shown):
        for label, run in zip(labels, runs, strict=True):
            label["data"] = run.data[0][:8] + "/" + run.data[1][:8]
    return labels


def _differs(key: str, compared: Sequence[Mapping[str, str]]) -> bool:
    """Return whether a key differs between two configs whose choice of options does not say it."""
    if key.startswith(CHOICES):
        return len({values.get(key) for values in compared}) > 1
    group = key.partition(".")[0]
    deciding = [f"{CHOICES}{name}" for name in FOLLOWS.get(group, (group,))]
    by_choice: dict[tuple[str | None, ...], set[str | None]] = {}
    for values in compared:
        choice = tuple(values.get(name) for name in deciding)
        by_choice.setdefault(choice, set()).add(values.get(key))
    return any(len(found) > 1 for found in by_choice.values())


def _warn(rows: Sequence[Row]) -> list[str]:
    """Return what makes a comparison of rows less than fair."""
    runs = [run for row in rows for run in row.runs]
    notes = []
    corpora = sorted({run.corpus for run in runs})
    if len(corpora) > 1:
        notes.append(
            f"these runs are of different corpora ({_listed(corpora)}): their likelihoods are not "
            "of the same music and are not tested against each other. Minutes, parameters and "
            "how near each comes to its own corpus can be compared."
        )
    elif len({run.data for run in runs}) > 1:
        notes.append(
            "these runs are of different pieces or splits of the corpus: likelihoods are tested "
            "on the test pieces that they have in common."
        )
    if len({run.parameters.get("choices.representation") for run in runs}) > 1:
        notes.append(
            "the representations differ, and so may the notes that each can write: the tag "
            "left_out of a run says what it leaves out."
        )
    settings = {str(sorted(_asked(run).items())) for run in runs if run.sampling}
    if len(settings) > 1:
        notes.append("the samples were drawn with different settings or prompts.")
    if len({run.tags.get("mlflow.source.git.commit") for run in runs}) > 1:
        notes.append("the runs were made by different commits of the code.")
    return notes


def _asked(run: RecordedRun) -> dict[str, object]:
    """Return how samples were asked for, without what names the model."""
    unasked = ("model", "representation", "corpus", "seed", "cut_pieces", "bundle")
    return {key: value for key, value in run.sampling.items() if key not in unasked}


def _by_seed(run: RecordedRun) -> tuple[int, str]:
    return (int(run.seed), "") if run.seed.lstrip("-").isdigit() else (0, run.seed)


def _listed(names: Sequence[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

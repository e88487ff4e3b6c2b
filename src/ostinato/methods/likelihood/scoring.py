"""The likelihood of the test pieces by a sequence model, beside counting."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.errors import UserError
from ostinato.methods.base import EvaluationTask, Findings
from ostinato.wording import quantity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ostinato.evaluation.bootstrap import Advantage
    from ostinato.evaluation.likelihood import Counts, PieceLikelihoods
    from ostinato.evaluation.ngrams.scoring import MarkovScores
    from ostinato.evaluation.settings import Evaluation
    from ostinato.evaluation.verdict import Verdict

MODEL = "model"


@dataclass(frozen=True)
class Scores:
    """Nats (pieces,) of the test pieces by `model` and by each baseline.

    counts: what their sums are divided by; notes and seconds: (pieces,); table: the same as CSV.
    markov: how the variable-order Markov models were made.
    """

    nats: "Mapping[str, NDArray[np.float64]]"
    counts: "Counts"
    notes: "NDArray[np.int64]"
    seconds: "NDArray[np.float64]"
    table: str
    markov: "MarkovScores"

    @property
    def likelihoods(self) -> dict[str, dict[str, float]]:
        """Nats per token or frame, note and quarter note, by model and baselines."""
        from ostinato.evaluation.likelihood import per_unit

        return {name: per_unit(float(nats.sum()), self.counts) for name, nats in self.nats.items()}

    @property
    def bits_per_second(self) -> float:
        """Return the model's bits per second of music, at the tempo of the pieces."""
        bits = float(self.nats[MODEL].sum()) / math.log(2)
        return round(bits / float(self.seconds.sum()), 6)

    @cached_property
    def advantages(self) -> "dict[str, Advantage]":
        """Return how much better the model is than each baseline."""
        from ostinato.evaluation.bootstrap import compare_pieces

        own = self.nats[MODEL]
        others = {name: nats for name, nats in self.nats.items() if name != MODEL}
        return {name: compare_pieces(own, nats, self.notes) for name, nats in others.items()}

    @property
    def nats_per_note(self) -> dict[str, float]:
        """Return nats per note of the model and of each baseline, by name."""
        return {name: row["nats_per_note"] for name, row in self.likelihoods.items()}

    def metrics(self) -> dict[str, Any]:
        """Return the figures for metrics.json."""
        likelihoods = self.likelihoods
        own = likelihoods.pop(MODEL) | {"bits_per_second": self.bits_per_second}
        return {
            "test": own | self.counts.table(),
            "baselines": likelihoods,
            "markov_models": self.markov.table(),
            "advantage_per_note": {name: gain.table() for name, gain in self.advantages.items()},
        }

    def summary(self) -> str:
        """Return the figures that count, in a line."""
        rows = ", ".join(f"{name} {value:.3f}" for name, value in self.nats_per_note.items())
        notes = self.counts.notes
        return f"test negative log-likelihood, nats per note over {notes} notes: {rows}"


def score_pieces(task: EvaluationTask) -> Findings:
    """Return the likelihood of the test pieces; without figures where none can be scored.

    Raises `UserError` where `evaluation.transpose` asks for what the representation cannot do.
    """
    from ostinato.evaluation.verdict import Verdict, show_likelihood

    scores = _score(task)
    if scores is None:
        nothing: dict[str, Any] = {"test": {}, "baselines": {}}
        return Findings("no likelihood: no test piece was scored", Verdict(""), nothing)
    counts, unit = scores.counts.table(), scores.counts.unit
    return Findings(
        summary=scores.summary(),
        verdict=_judge(task, scores),
        metrics=scores.metrics(),
        figures={
            **{f"test_{name}": value for name, value in scores.likelihoods[MODEL].items()},
            "test_bits_per_second": scores.bits_per_second,
        },
        subtitle=(
            f"Test split: {quantity(int(counts['pieces']), 'piece')}, {counts[f'{unit}s']:,} "
            f"{unit}s, {counts['notes']:,} notes"
        ),
        likelihoods=_by_unit(scores),
        table=scores.table,
        details=scores.markov.details(),
        headlines=[show_likelihood(scores.nats_per_note, scores.advantages)],
    )


def _score(task: EvaluationTask) -> Scores | None:
    import numpy as np

    from ostinato.evaluation import likelihood
    from ostinato.evaluation.baselines import baseline_nll

    settings: Evaluation = task.config.build("evaluation")
    store = task.store
    training, test = store.indices(task.split["train"]), store.indices(task.split["test"])
    if not len(test):
        console.warn("no test piece can be scored: the report has no likelihood.")
        return None
    representation: Any = task.bundle.representation
    own = _nll(task, test)
    if not bool(np.isfinite(own).all()):
        console.warn(
            "the likelihoods of the test pieces are no numbers, as the model's weights are too "
            "large: the report has none; train it again with a lower learning rate."
        )
        return None
    counted = baseline_nll(store, training, test, representation.size, settings.smoothing)
    markov = _score_markov_models(task, training, test)
    counted |= markov.nats
    notes = likelihood.notes_of_pieces(store, test, representation)
    counts = likelihood.count(store, test, representation)
    seconds = _seconds(task, test)
    columns: dict[str, NDArray[Any]] = {
        "notes": notes,
        "quarters": store.quarters[test],
        "seconds": seconds,
        **{f"{name}_nats": nats for name, nats in counted.items()},
    }
    table = likelihood.table_of_pieces(store, test, own, counts.unit, columns)
    return Scores({MODEL: own, **counted}, counts, notes, seconds, table, markov)


def score_named(task: EvaluationTask, names: Sequence[str]) -> "PieceLikelihoods":
    """Return the likelihood of those of the named pieces that the store holds.

    Raises `UserError` where `evaluation.transpose` asks for what the representation cannot do.
    """
    from ostinato.evaluation import likelihood

    store, indices = task.store, task.store.indices(names)
    representation: Any = task.bundle.representation
    return likelihood.PieceLikelihoods(
        [store.names[index] for index in indices],
        _nll(task, indices),
        likelihood.notes_of_pieces(store, indices, representation),
        store.quarters[indices],
        likelihood.count(store, indices, representation),
    )


def _nll(task: EvaluationTask, indices: "NDArray[np.int64]") -> "NDArray[np.float64]":
    """Return the nats of the pieces at `indices` by the network of the bundle: (pieces,)."""
    from ostinato.evaluation import likelihood

    settings: Evaluation = task.config.build("evaluation")
    network: Any = task.bundle.network
    representation: Any = task.bundle.representation
    if any(settings.transpose) and not representation.transposes:
        raise UserError(
            f"evaluation.transpose={list(settings.transpose)} does not fit: {representation.name} "
            "cannot be transposed as it is set; say evaluation.transpose=[0,0]."
        )
    return likelihood.nll_of_pieces(
        network, task.store, indices, settings.batch_size, representation, settings.transpose
    )


def _score_markov_models(
    task: EvaluationTask, training: "NDArray[np.int64]", test: "NDArray[np.int64]"
) -> "MarkovScores":
    """Return what n-grams and PPM reach on the test pieces; frames are lists of pitches to them."""
    from ostinato.evaluation.ngrams.frames import as_tokens, vocabulary_size
    from ostinato.evaluation.ngrams.scoring import score_markov_models

    store, representation = task.store, task.bundle.representation
    size = representation.size
    if representation.kind == "frames":
        store = as_tokens(store, representation.channels)
        size = vocabulary_size(size, representation.channels)
    validation = store.indices(task.split["validation"])
    return score_markov_models(store, training, validation, test, size)


def _seconds(task: EvaluationTask, test: "NDArray[np.int64]") -> "NDArray[np.float64]":
    """Return the length of each test piece in seconds: (pieces,)."""
    import numpy as np

    names = [task.store.names[i] for i in test]
    lengths = {piece.name: piece.seconds for piece in task.pieces.only(names)}
    return np.array([lengths[name] for name in names])


def _judge(task: EvaluationTask, scores: Scores) -> "Verdict":
    from ostinato.evaluation.verdict import judge_likelihood

    transposed = any(task.config["evaluation"].get("transpose", ()))
    return judge_likelihood(scores.nats_per_note, scores.advantages, transposed)


def _by_unit(scores: Scores) -> dict[str, dict[str, float]]:
    """The rows of the report: the model, and then the baselines, the best one first."""
    unit = scores.counts.unit
    words = {
        f"nats_per_{unit}": f"per {unit}",
        "nats_per_note": "per note",
        "nats_per_quarter": "per quarter note",
    }
    rows = sorted(scores.likelihoods.items(), key=lambda row: row[0] != MODEL)
    rows[1:] = sorted(rows[1:], key=lambda row: row[1]["nats_per_note"])
    return {name: {words[of]: value for of, value in row.items()} for name, row in rows}

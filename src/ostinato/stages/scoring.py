"""How well a sequence model predicts the test pieces, beside counting."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.config import Config
from ostinato.errors import UserError
from ostinato.stages.encoding import read_split, token_store
from ostinato.stages.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ostinato.evaluation.bootstrap import Advantage
    from ostinato.evaluation.likelihood import Counts
    from ostinato.evaluation.settings import Evaluation
    from ostinato.models.bundle import Bundle

MODEL = "model"


@dataclass(frozen=True)
class Scores:
    """Nats (pieces,) of the test pieces by `model` and by each baseline.

    counts: what their sums are divided by; notes: (pieces,); table: the same as CSV.
    """

    nats: "Mapping[str, NDArray[np.float64]]"
    counts: "Counts"
    notes: "NDArray[np.int64]"
    table: str

    @property
    def likelihoods(self) -> dict[str, dict[str, float]]:
        """Nats per token or frame, note and quarter note, by model and baselines."""
        from ostinato.evaluation.likelihood import per_unit

        return {name: per_unit(float(nats.sum()), self.counts) for name, nats in self.nats.items()}

    @property
    def advantages(self) -> "dict[str, Advantage]":
        """How much better the model is than each baseline."""
        from ostinato.evaluation.bootstrap import compare_pieces

        own = self.nats[MODEL]
        others = {name: nats for name, nats in self.nats.items() if name != MODEL}
        return {name: compare_pieces(own, nats, self.notes) for name, nats in others.items()}

    def metrics(self) -> dict[str, Any]:
        """Return the figures for metrics.json."""
        likelihoods = self.likelihoods
        return {
            "test": {**likelihoods.pop(MODEL), **self.counts.table()},
            "baselines": likelihoods,
            "advantage_per_note": {name: gain.table() for name, gain in self.advantages.items()},
        }

    def summary(self) -> str:
        """Return the figures that count, in a line."""
        nats = {name: row["nats_per_note"] for name, row in self.likelihoods.items()}
        rows = ", ".join(f"{name} {value:.3f}" for name, value in nats.items())
        notes = self.counts.notes
        return f"test negative log-likelihood, nats per note over {notes} notes: {rows}"


def score_pieces(config: Config, workspace: Workspace, bundle: "Bundle") -> Scores | None:
    """Score the test pieces; None for a model without likelihoods, and where no piece can be.

    Raises `UserError` where `evaluation.transpose` asks for what the representation cannot do.
    """
    import numpy as np

    from ostinato.evaluation import likelihood
    from ostinato.evaluation.baselines import baseline_nll
    from ostinato.models.segments import SegmentModel
    from ostinato.models.sequence import SequenceModel
    from ostinato.representations.base import FrameRepresentation, TokenRepresentation

    if isinstance(bundle.network, SegmentModel):
        return None
    settings: Evaluation = config.build("evaluation")
    store = token_store(bundle.config, workspace, bundle.representation)
    split = read_split(workspace)
    training, test = store.indices(split["train"]), store.indices(split["test"])
    if not len(test):
        console.warn("no test piece can be scored: the report has no likelihood.")
        return None
    network, representation = bundle.network, bundle.representation
    known = (TokenRepresentation, FrameRepresentation)
    if not (isinstance(network, SequenceModel) and isinstance(representation, known)):
        raise TypeError(f"no likelihood is known for {type(network).__name__}")
    if any(settings.transpose) and not representation.transposes:
        raise UserError(
            f"evaluation.transpose={list(settings.transpose)} does not fit: {representation.name} "
            "cannot be transposed as it is set; say evaluation.transpose=[0,0]."
        )
    own = likelihood.nll_of_pieces(
        network, store, test, settings.batch_size, representation, settings.transpose
    )
    if not bool(np.isfinite(own).all()):
        console.warn(
            "the likelihoods of the test pieces are no numbers, as the model's weights are too "
            "large: the report has none; train it again with a lower learning rate."
        )
        return None
    counted = baseline_nll(store, training, test, representation.size, settings.smoothing)
    notes = likelihood.notes_of_pieces(store, test, representation)
    counts = likelihood.count(store, test, representation)
    columns: dict[str, NDArray[Any]] = {
        "notes": notes,
        **{f"{name}_nats": nats for name, nats in counted.items()},
    }
    table = likelihood.table_of_pieces(store, test, own, counts.unit, columns)
    return Scores({MODEL: own, **counted}, counts, notes, table)

"""Other corpora, on whose test split a model is scored: read, divided and encoded as its own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.config import Config
from ostinato.config.cross_corpus import COMPOSED, PARTS
from ostinato.corpora.parts import PARTS as PARTS_OF_SPLIT
from ostinato.errors import UserError
from ostinato.methods.base import EvaluationTask, Findings, Method
from ostinato.stages.encoding import token_store
from ostinato.stages.piece_cache import read_pieces
from ostinato.stages.workspace import Workspace

if TYPE_CHECKING:
    from ostinato.corpora.duplicates import AlikeIndex
    from ostinato.corpora.splitting import Splitting
    from ostinato.corpora.store import PieceStore
    from ostinato.data.store import TokenStore
    from ostinato.evaluation.cross_corpus import CorpusScore, CrossCorpus, LeftOut
    from ostinato.music.piece import Piece


@dataclass(frozen=True)
class OwnTest:
    """Findings on the test split of the model's own corpus."""

    task: EvaluationTask
    findings: Findings


@dataclass(frozen=True)
class OtherCorpus:
    """A corpus in the folder `pieces`, by part of its split the names of its pieces."""

    name: str
    pieces: Path
    split: Mapping[str, list[str]]


def prepare(config: Config, workspace: Workspace, own: str = "") -> list[OtherCorpus]:
    """Read and divide every corpus that `evaluation.corpora` names, but for the one called `own`.

    What is read is kept for the next run. Raises `UserError` for one that is not there, or that
    cannot be divided as the split of the config says.
    """
    return list(_prepare(config, workspace, own or config["corpus.name"]))


def _prepare(config: Config, workspace: Workspace, own: str) -> Iterator[OtherCorpus]:
    from ostinato.corpora.store import PieceStore

    for name, parts in config.tree.get(COMPOSED, {}).items():
        title = parts["corpus"]["name"]
        if title == own:
            continue
        other = Config({**config.tree, **{part: parts[part] for part in PARTS}}, config.plugins)
        settings: Splitting = other.build("split")
        try:
            folder = read_pieces(other, replace(workspace, shared_pieces=None, shared_split=None))
            divided = settings.divide(PieceStore(folder)).parts
        except UserError as error:
            raise UserError(f"evaluation.corpora names {name}, and {error}") from error
        yield OtherCorpus(title, folder, {part: sorted(divided[part]) for part in PARTS_OF_SPLIT})


def score_corpora(config: Config, workspace: Workspace, own: OwnTest) -> "CrossCorpus | None":
    """Return the likelihood of the test split of every corpus; None where none was asked for.

    Pieces that the representation cannot hold, and those that are like a training piece of the
    model, are left out and counted. The figures of its own test split are those of `own`.
    """
    from ostinato.evaluation.cross_corpus import CrossCorpus

    asked = config.tree.get(COMPOSED, {})
    if not asked:
        return None
    called: str = own.task.bundle.config["choices"]["corpus"]
    training = TrainingMusic.of(own.task.pieces, own.task.split["train"])
    scores = {called: _own_score(called, own)}
    for other in prepare(config, workspace, called):
        scores[other.name] = _score(config, workspace, own.task, other, training)
    order = [parts["corpus"]["name"] for parts in asked.values()]
    found = CrossCorpus([scores[name] for name in dict.fromkeys([*_first(called, order), *order])])
    for about, sentence in found.sentences().items():
        console.say(f"{about}: {sentence}")
    return found


def _first(called: str, order: Sequence[str]) -> list[str]:
    """Return the model's own corpus, where it is not among those that were asked for."""
    return [] if called in order else [called]


@dataclass(frozen=True)
class TrainingMusic:
    """The training pieces of a model by name, and the index of what is like them."""

    names: Sequence[str]
    index: "AlikeIndex"

    @classmethod
    def of(cls, pieces: "PieceStore", names: Sequence[str]) -> "TrainingMusic":
        """Read the named pieces."""
        from ostinato.corpora.duplicates import AlikeIndex

        wanted = frozenset(names)
        ordered = [name for name in pieces.names if name in wanted]
        words = "looking through the training pieces"
        return cls(ordered, AlikeIndex(console.track(pieces.only(wanted), words, len(ordered))))

    def find(self, piece: "Piece") -> str | None:
        """Return the name of a training piece that a piece is like; None without any."""
        found = self.index.find(piece)
        return None if found is None else self.names[found]


def _score(
    config: Config,
    workspace: Workspace,
    own: EvaluationTask,
    other: OtherCorpus,
    training: TrainingMusic,
) -> "CorpusScore":
    """Return the likelihood of the test split of another corpus by the model of `own`."""
    from ostinato.corpora.store import PieceStore
    from ostinato.evaluation.cross_corpus import CorpusScore

    bundle, pieces = own.bundle, PieceStore(other.pieces)
    place = replace(workspace, shared_pieces=other.pieces, shared_split=None)
    store = token_store(bundle.config, place, bundle.representation)
    scored, left_out = _choose(store, pieces, other.split["test"], training)
    method: Method = bundle.config.build("method")
    task = EvaluationTask(config, bundle, store, pieces, other.split)
    found = CorpusScore.of(other.name, method.score(task, scored), left_out)
    if scored and not found.figures:
        console.warn(f"the likelihoods of {other.name} are no numbers: they are left out.")
    return found


def _choose(
    store: "TokenStore", pieces: "PieceStore", test: Sequence[str], training: TrainingMusic
) -> "tuple[list[str], LeftOut]":
    """Return the names of the test pieces to score, and what is left out."""
    from ostinato.corpora.duplicates import is_comparable
    from ostinato.evaluation.cross_corpus import LeftOut

    refused = {name: store.skipped[name] for name in test if name in store.skipped}
    alike, scored, short = {}, [], 0
    for piece in pieces.only(name for name in test if name not in refused):
        if (twin := training.find(piece)) is not None:
            alike[piece.name] = twin
            continue
        scored.append(piece.name)
        short += not is_comparable(piece)
    losses = store.losses.only(store.indices(scored)).totals()
    return scored, LeftOut(refused, alike, short, losses)


def _own_score(called: str, own: OwnTest) -> "CorpusScore":
    """Return what evaluating found on the test split of the model's own corpus."""
    from ostinato.evaluation.cross_corpus import CorpusScore, LeftOut, read_rows

    store, test = own.task.store, own.task.split["test"]
    refused = {name: store.skipped[name] for name in test if name in store.skipped}
    losses = store.losses.only(store.indices(test)).totals()
    figures: dict[str, Any] = own.findings.metrics.get("test", {})
    rows = read_rows(own.findings.table)
    return CorpusScore(called, True, figures, rows, LeftOut(refused, losses=losses))

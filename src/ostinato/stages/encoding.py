"""Token stores and splits, as the stages share them."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato import console
from ostinato.config import Config
from ostinato.corpora.parts import PARTS
from ostinato.errors import UserError
from ostinato.files import fingerprint, write_text
from ostinato.locks import locked
from ostinato.sources import source_fingerprint
from ostinato.stages.workspace import Workspace
from ostinato.wording import agree, quantity

if TYPE_CHECKING:
    from ostinato.corpora.store import PieceStore
    from ostinato.data.store import TokenStore
    from ostinato.parallel import Workers
    from ostinato.representations.base import Representation

WORTH_PROCESSES = 16  # parts of a piece store


def token_store(
    config: Config, workspace: Workspace, representation: "Representation"
) -> "TokenStore":
    """The pieces as tokens: encoded once, and kept by what they were made from."""
    from ostinato.corpora.store import PieceStore
    from ostinato.data.store import TokenStore, write_store

    pieces = PieceStore(require(workspace.pieces, "preprocess"))
    folder = token_folder(config, workspace, representation)
    with locked(folder):
        if not folder.exists():
            with console.bar("encoding", len(pieces.parts), "parts") as advance:
                write_store(pieces.parts, representation, folder, _workers(config, pieces), advance)
        _explain(folder, config, representation)
    return TokenStore.open(folder)


def token_folder(config: Config, workspace: Workspace, representation: "Representation") -> Path:
    """Return where `token_store` keeps the pieces as tokens."""
    source = source_fingerprint(type(representation).__module__, "ostinato.data.store")
    name = fingerprint(workspace.pieces, config["representation"], source, *_state(representation))
    return workspace.cache / "tokens" / name


def _workers(config: Config, pieces: "PieceStore") -> "Workers":
    """One process where starting more would take longer than they save."""
    from ostinato.parallel import Workers

    if "preprocess" in config.tree:
        workers: Workers = config.build("preprocess")
    else:  # the config of a bundle, which says nothing of it
        workers = Workers.of_this_machine()
    few = workers.backend == "loky" and len(pieces.parts) < WORTH_PROCESSES
    return replace(workers, processes=1) if few else workers


def train_tokenizer(config: Config, workspace: Workspace, representation: "Representation") -> None:
    """Train a tokenizer on the training pieces, once for as long as they stay."""
    from ostinato.corpora.store import PieceStore

    if not representation.trainable:
        return
    pieces = PieceStore(require(workspace.pieces, "preprocess"))
    names = read_split(workspace)["train"]
    source = source_fingerprint(type(representation).__module__)
    name = fingerprint(workspace.pieces, sorted(names), config["representation"], source)
    path = workspace.cache / "learned" / f"{name}.json"
    with locked(path):
        if not path.exists():
            training = console.track(
                pieces.only(names), "training the tokenizer", len(names), "pieces"
            )
            representation.train(training)
            for state in _state(representation):
                write_text(path, state)
        representation.load_state(path.read_bytes())


def _state(representation: "Representation") -> list[str]:
    state = representation.state()
    return [] if state is None else [state.decode()]


def _explain(folder: Path, config: Config, representation: "Representation") -> None:
    """Keep beside the tokens what they mean and leave out: `ostinato inspect` reads it."""
    from ostinato.data.losses import LOSSES
    from ostinato.data.store import TokenStore

    if not (folder / "representation.yaml").exists():
        write_text(folder / "vocabulary.tsv", representation.vocabulary())
        write_text(folder / LOSSES, TokenStore.open(folder).losses.table())
        config.only("representation").save(folder / "representation.yaml")


def report_skipped(store: "TokenStore", representation: "Representation") -> None:
    """Tell how many pieces the representation cannot hold, and the commonest reasons."""
    if not store.skipped:
        return
    reasons = Counter(store.skipped.values()).most_common()
    left = len(store.skipped)
    more = f"; and {quantity(len(reasons) - 2, 'more reason')}" if len(reasons) > 2 else ""
    console.say(
        f"{left} of {quantity(left + len(store.names), 'piece')} cannot be written as "
        f"{representation.name} and {agree(left, 'is', 'are')} left out: "
        + "; ".join(f"{quantity(count, 'piece')} ({reason})" for reason, count in reasons[:2])
        + more
    )


def report_losses(store: "TokenStore", representation: "Representation", folder: Path) -> None:
    """Tell what the representation leaves out or writes otherwise, and where each piece stands."""
    from ostinato.data.losses import LOSSES

    for sentence in store.losses.sentences(representation.name):
        console.say(f"{sentence} (by piece in {console.where(folder / LOSSES)})")


def read_split(workspace: Workspace) -> dict[str, list[str]]:
    """The names of the training, validation and test pieces."""
    split = json.loads(require(workspace.split, "split").read_text(encoding="utf-8"))
    return {part: split[part] for part in PARTS}


def require(path: Path, stage: str) -> Path:
    """The path, where the stage that makes it has run."""
    if not path.exists():
        raise UserError(f"{console.where(path)} is not there: run `ostinato {stage}` first.")
    return path

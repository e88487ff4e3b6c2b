"""Rows of the likelihood table that count and learn nothing: an n-gram and PPM.

    python benchmarks/likelihood/counting.py [CORPUS ...]

Both are trained on the training split of each corpus, their orders are chosen on validation, and
the test split is scored once. A network that does not reach less than they do has learned nothing
that counting does not know. Replaces their results in results.json, and rewrites the tables.
"""

import argparse
import sys
import time
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray
from run import ROOT, composed, leaked_pieces
from tables import Result, add_result, write_tables

from ostinato.data.store import TokenStore
from ostinato.errors import UserError
from ostinato.evaluation.ngrams.contexts import count_contexts
from ostinato.evaluation.ngrams.frames import as_tokens, vocabulary_size
from ostinato.evaluation.ngrams.scoring import HIGHEST_ORDER, MODELS, choose_order, piece_nats
from ostinato.stages import fetch
from ostinato.stages.encoding import read_split, token_store
from ostinato.stages.run_stages import prepare_stages
from ostinato.stages.workspace import Workspace

ROWS = {"jsb": "jsb_nine_keys", "jsb16": "jsb16_best", "nottingham": "nottingham_frames"}


def main() -> int:
    """Score what is asked for; a mistake in it is one sentence."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="*", metavar="CORPUS", help=", ".join(ROWS))
    try:
        for corpus in parser.parse_args().corpora or ROWS:
            if corpus not in ROWS:
                raise UserError(f"CORPUS={corpus} has no row: name one of {', '.join(ROWS)}.")
            for result in count(corpus):
                add_result(result)
                print(result)
    except UserError as error:
        print(f"counting: {error}", file=sys.stderr)
        return error.exit_code
    write_tables()
    return 0


def count(corpus: str) -> list[Result]:
    """Return what the n-gram and PPM reach on a corpus."""
    config = composed(ROWS[corpus], None)
    workspace = Workspace(ROOT, ROOT / "outputs" / "benchmarks" / "counting" / corpus)
    if not (workspace.root / config["corpus.path"]).exists():
        fetch.run(config, workspace)
    workspace = prepare_stages(config, workspace)
    representation: Any = config.build("representation")
    store = token_store(config, workspace, representation)
    split = {part: store.indices(names) for part, names in read_split(workspace).items()}
    tokens, size = store, representation.size
    if representation.kind == "frames":
        tokens = as_tokens(store, representation.channels)
        size = vocabulary_size(size, representation.channels)
    began = time.perf_counter()
    table = count_contexts([tokens.piece(i) for i in split["train"]], size, HIGHEST_ORDER)
    counted = (time.perf_counter() - began) / 60
    leaked = leaked_pieces(config)
    results = []
    for name, make in MODELS.items():
        began = time.perf_counter()
        order = choose_order(make, table, tokens, split["validation"])
        model = make(table, order)
        nats = {part: piece_nats(model, tokens, split[part]) for part in ("test", "validation")}
        minutes = counted + (time.perf_counter() - began) / 60
        mean = _Mean(store, representation.kind)
        test = split["test"]
        found = {
            "row": f"{corpus}_{name}",
            "corpus": corpus,
            "seed": config["seed"],
            "unit": representation.unit,
            "test": mean(nats["test"], test),
            "leaked": mean(nats["test"], test, leaked),
            "clean": mean(nats["test"], test, set(store.names) - leaked),
            "validation": mean(nats["validation"], split["validation"]),
            "minutes": round(minutes, 2),
            "order": order,
        }
        results.append({key: value for key, value in found.items() if value is not None})
    return results


class _Mean:
    """Nats per frame, or per token without the end token, of pieces of a store."""

    def __init__(self, store: TokenStore, kind: str) -> None:
        self.store = store
        # the empty frame before a piece, or the end token before and after it, is not counted
        self.uncounted = 1 if kind == "frames" else 2

    def __call__(
        self,
        nats: NDArray[np.float64],
        indices: NDArray[np.int64],
        names: Collection[str] | None = None,
    ) -> float | None:
        """Return the mean over the pieces at `indices`, of those with these names."""
        chosen = [names is None or self.store.names[i] in names for i in indices]
        lengths = self.store.offsets[indices + 1] - self.store.offsets[indices] - self.uncounted
        steps = int(lengths[chosen].sum())
        return round(float(nats[chosen].sum()) / steps, 4) if steps else None


if __name__ == "__main__":
    sys.exit(main())

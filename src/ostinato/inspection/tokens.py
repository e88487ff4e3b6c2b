"""A token store."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.config.targets import TARGET
from ostinato.config.yaml_files import read_yaml
from ostinato.data.store import TokenStore
from ostinato.inspection import figures
from ostinato.inspection.tables import View, counted, facts, table
from ostinato.representations.base import pitch_name
from ostinato.untrusted import MIB, read_regular
from ostinato.wording import quantity

COMMONEST, FIRST = 20, 24
LARGEST = 16 * MIB  # bytes of a vocabulary
CHUNK = 1 << 22  # tokens counted at once
UNKNOWN = "not kept; the next `ostinato train` that uses this store writes it"


def inspect_tokens(folder: Path, store: TokenStore) -> View:
    """Return pieces, vocabulary, the commonest tokens and how the first piece begins.

    Of frames, the columns take the place of tokens: how often each is in use.
    """
    frames = store.steps.ndim == 2
    meanings = read_vocabulary(folder / "vocabulary.tsv")
    counts = count(store, len(meanings))
    order = [int(t) for t in np.argsort(-counts, kind="stable")[:COMMONEST] if counts[t]]
    commonest = [(_named(token, meanings), int(counts[token])) for token in order]
    parts: list[Any] = [facts(folder.resolve().name, _facts(folder, store, counts, meanings))]
    if commonest:
        label, unit = ("column", "frames") if frames else ("token", "times")
        label += "" if meanings else " (meaning unknown)"
        parts.append(counted(f"Commonest {label}s", label, unit, commonest, COMMONEST))
    if store.names and not frames:
        rows = [
            (f"{place}", f"{token}", f"{times}", meanings.get(token, ""))
            for place, token, times in runs(store.piece(0))[:FIRST]
        ]
        columns = ("#place", "#token", "#times", "meaning")
        parts.append(table(f"{store.names[0]} begins", columns, rows))
    lengths = _lengths(store)
    unit = "frames" if frames else "tokens"
    title = f"{quantity(len(store.names), 'piece')}, {lengths.sum():,} {unit}"
    if (folder / "representation.yaml").is_file():
        title = f"{_representation(folder / 'representation.yaml').partition(' ')[0]}: {title}"
    return View(parts, lambda: figures.draw_tokens(commonest[:12], counts, lengths, title))


def read_vocabulary(path: Path) -> dict[int, str]:
    """Return what each token, or column of a frame, means; empty where it was not kept."""
    if not path.is_file():
        return {}
    text = io.StringIO(read_regular(path, LARGEST).decode("utf-8"), newline="")
    rows = csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE)
    named, _ = rows.fieldnames or ("token", "meaning")
    return {int(row[named]): row["meaning"] for row in rows}


def is_of_columns(path: Path) -> bool:
    """Return whether a vocabulary says what the columns of frames mean, not what tokens do."""
    return path.is_file() and read_regular(path, LARGEST).startswith(b"column\t")


def runs(tokens: NDArray[Any]) -> list[tuple[int, int, int]]:
    """Return where a token stands, the token, and how many times in a row."""
    begins = np.flatnonzero(np.diff(tokens, prepend=tokens[:1] ^ 1))
    times = np.diff(begins, append=len(tokens))
    return list(zip(begins.tolist(), tokens[begins].tolist(), times.tolist(), strict=True))


def count(store: TokenStore, size: int) -> NDArray[np.int64]:
    """Return how often each token occurs: (size,), or more where larger ones occur.

    Of frames, in how many of them each column is not 0: (width,).
    """
    if store.steps.ndim == 2:
        starts = range(0, len(store.steps), CHUNK // store.steps.shape[1])
        chunks = (store.steps[s : s + CHUNK // store.steps.shape[1]] for s in starts)
        nothing = np.zeros(store.steps.shape[1], np.int64)
        return sum((np.count_nonzero(chunk, axis=0) for chunk in chunks), nothing)
    counts = np.zeros(max(size, 1 << 16), np.int64)
    for start in range(0, len(store.steps), CHUNK):
        counts += np.bincount(store.steps[start : start + CHUNK], minlength=len(counts))
    return counts[: max(size, int(np.flatnonzero(counts).max(initial=-1)) + 1)]


def _facts(
    folder: Path, store: TokenStore, counts: NDArray[np.int64], meanings: dict[int, str]
) -> Iterator[tuple[str, str]]:
    yield "representation", _representation(folder / "representation.yaml")
    yield "pieces", f"{len(store.names):,}"
    if store.skipped:
        reason, _ = Counter(store.skipped.values()).most_common(1)[0]
        yield "left out", f"{len(store.skipped):,}, mostly because the piece {reason}"
    for sentence in store.losses.sentences("it"):
        yield "not kept", sentence
    step, unit = ("frames", "columns") if store.steps.ndim == 2 else ("tokens", "tokens")
    lengths = _lengths(store)
    yield step, f"{lengths.sum():,}"
    if len(lengths):
        low, middle, high = lengths.min(), np.median(lengths), lengths.max()
        yield f"{step} in a piece", f"{low:,} to {high:,}, median {middle:,.0f}"
    quarters = float(store.quarters.sum())
    if quarters:
        density = f"{lengths.sum() / quarters:.3g} {step} each"
        yield "music", f"{quarters:,.0f} quarter notes, {density}"
        low, high = int(store.lowest.min()), int(store.highest.max())
        yield "pitches", f"{pitch_name(low)} to {pitch_name(high)}"
    used = int((counts > 0).sum())
    known = f"{len(meanings):,} {unit}, " if meanings else ""
    yield "vocabulary", f"{known}{used:,} {'' if known else f'{unit} '}in use"


def _lengths(store: TokenStore) -> NDArray[np.int64]:
    """Return how long each piece is, but for the empty frame before it."""
    return np.diff(store.offsets) - (store.steps.ndim - 1)


def _representation(path: Path) -> str:
    if not path.is_file():
        return UNKNOWN
    node = dict(read_yaml(path)["representation"])
    name = str(node.pop(TARGET)).rpartition(".")[2]
    settings = ", ".join(f"{key}={value}" for key, value in node.items())
    return f"{name} ({settings})" if settings else name


def _named(token: int, meanings: dict[int, str]) -> str:
    return f"{token} · {meanings[token]}" if token in meanings else f"{token}"

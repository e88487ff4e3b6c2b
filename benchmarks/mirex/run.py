"""How well prompts of four bars are continued, as MIREX 2025 asks for it.

    python benchmarks/mirex/run.py MODEL [--plain MODEL] [--pieces N]

Of each test song of POP909, as experiment=mirex reads it, seventeen bars are taken: a bar before
the prompt, its four, and the twelve that truly follow. Printed and written into results.json: nats
per note of the true twelve bars given the five, by each model and by PPM, whose order is chosen on
validation, on the tokens of the model and on those of representation=note. And how long `ostinato
mirex` takes for eight continuations, start included, with what
they hold. MODEL is the folder of a bundle that experiment=mirex trained; --plain is one without
`model.voices` and `representation.history`. The corpus should lie in data/pop909.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato.config import compose, conf_folder
from ostinato.corpora.store import PieceStore
from ostinato.errors import UnencodableError
from ostinato.evaluation.ngrams.contexts import TokenModel, count_contexts, unfold
from ostinato.evaluation.ngrams.ppm import match
from ostinato.models.bundle import load_bundle
from ostinato.music.mirex import BARS, BEGIN, END, PROMPT_BARS, STEPS_PER_QUARTER
from ostinato.music.piece import Piece
from ostinato.stages.compose import compose_config
from ostinato.stages.encoding import read_split
from ostinato.stages.run_stages import prepare_stages
from ostinato.stages.workspace import Workspace

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "mirex" / "results.json"
FIRST_BAR = 8  # of the seventeen in a song
COUNTED_PIECES = 250  # training songs that PPM counts: about two million tokens
ORDERS = range(1, 17)
SAMPLES = 8

Tokens = NDArray[np.int64]


def excerpt(piece: Piece) -> Piece | None:
    """Return seventeen bars of a song; None where it is too short."""
    lines = piece.barlines()
    if len(lines) <= FIRST_BAR + BARS:
        return None
    return piece.cropped(int(lines[FIRST_BAR]), int(lines[FIRST_BAR + BARS]))


def tokens_of(piece: Piece, representation: Any) -> Tokens | None:
    """Return the tokens of all seventeen bars; None where they cannot be written."""
    try:
        steps = representation.encode(piece)
    except UnencodableError:
        return None
    end = BARS * representation.bar_steps * piece.resolution // representation.beat_steps
    whole: Tokens = representation.with_silence(steps, piece, end).astype(np.int64)
    return whole


def nats_by_network(bundle: Any, pieces: Sequence[Tokens]) -> list[NDArray[np.float64]]:
    """Return the nats of each token of pieces."""
    representation, network = bundle.representation, bundle.network
    found = []
    for tokens in pieces:
        steps = np.append(representation.end, tokens)
        positions = torch.from_numpy(representation.positions(steps)[:-1].astype(np.int64))
        inputs, targets = torch.from_numpy(steps[:-1]), torch.from_numpy(steps[1:])
        nats = network.score(inputs[None], positions[None], targets[None])[0]
        found.append(nats.double().numpy())
    return found


def nats_by_ppm(
    training: Sequence[Tokens], validation: Sequence[Tokens], size: int
) -> tuple[Callable[[Sequence[Tokens]], list[NDArray[np.float64]]], int]:
    """Return what scores pieces by PPM, and the order that validation chose."""
    table = count_contexts(training, size, max(ORDERS))

    def score(model: TokenModel, pieces: Sequence[Tokens]) -> list[NDArray[np.float64]]:
        begun = [np.append(size - 1, tokens) for tokens in pieces]
        history, tokens = unfold(begun, size, table.order)
        nats = -np.log(model.probabilities(table.find(history), tokens))
        return np.split(nats, np.cumsum([len(piece) for piece in pieces])[:-1])

    totals = [sum(nats.sum() for nats in score(match(table, k), validation)) for k in ORDERS]
    order = ORDERS[int(np.argmin(totals))]
    model = match(table, order)
    return lambda pieces: score(model, pieces), order


def notes_by_ppm(parts: dict[str, list[Piece]]) -> dict[str, Any]:
    """Return the nats per note after the prompts by PPM on the tokens of one note after another."""
    words = ["representation=note", f"representation.steps_per_quarter={STEPS_PER_QUARTER}"]
    representation: Any = compose(words, conf_folder(ROOT)).build("representation")
    training, validation, test = (
        [representation.encode(piece).astype(np.int64) for piece in parts[part]]
        for part in ("train", "validation", "test")
    )
    score, order = nats_by_ppm(training, validation, representation.size)
    begin = BEGIN // STEPS_PER_QUARTER
    prompts = [
        replace(piece, notes=piece.notes[piece.notes["onset"] < begin * piece.resolution])
        for piece in parts["test"]
    ]
    lengths = [len(representation.encode(prompt)) for prompt in prompts]
    nats = sum(
        float(of_piece[length:].sum())
        for of_piece, length in zip(score(test), lengths, strict=True)
    )
    notes = sum(
        representation.note_count(tokens[length:])
        for tokens, length in zip(test, lengths, strict=True)
    )
    return {"order": order, "nats_per_note": round(nats / notes, 4)}


def per_note(nats: list[NDArray[np.float64]], pieces: Sequence[Tokens], voices: int) -> float:
    """Return the nats of the twelve bars after the prompt, per note that begins in them."""
    first = PROMPT_BARS * 16 * voices
    notes = sum(int((tokens[first:] < 128).sum()) for tokens in pieces)
    return float(sum(of_piece[first:].sum() for of_piece in nats)) / notes


def time_command(model: Path, piece: Piece) -> dict[str, Any]:
    """Return how long eight continuations take by the command line, and what they hold."""
    prompt = piece.at_resolution(STEPS_PER_QUARTER).notes
    prompt = prompt[prompt["onset"] < BEGIN]
    names = ("onset", "pitch", "duration")
    rows = [
        dict(zip(("start", *names[1:]), note, strict=True)) for note in prompt[[*names]].tolist()
    ]
    with tempfile.TemporaryDirectory() as folder:
        file, made = Path(folder) / "in.json", Path(folder) / "made"
        file.write_text(json.dumps({"prompt": rows}), encoding="utf-8")
        words = ["mirex", str(file), str(made), str(SAMPLES), f"model_dir={model.resolve()}"]
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "ostinato", *words], check=True, cwd=ROOT)
        seconds = time.perf_counter() - begun
        written = [json.loads(f.read_text()) for f in sorted(made.glob("sample_*.json"))]
    notes = [one["generation"] for one in written]
    starts = [note["start"] for one in notes for note in one]
    return {
        "seconds": round(seconds, 1),
        "files": len(written),
        "notes": [len(one) for one in notes],
        "first_and_last_start": [min(starts), max(starts)],
        "within_format": all(
            BEGIN <= note["start"] < note["start"] + note["duration"] <= END
            and 0 <= note["pitch"] <= 127
            for one in notes
            for note in one
        ),
    }


def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a folder of a bundle")
    parser.add_argument("--plain", type=Path, default=None, help="a folder of another")
    parser.add_argument("--pieces", type=int, default=None, help="test songs; all by default")
    parser.add_argument("--split", default="test", choices=("validation", "test"))
    parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the figures")
    arguments = parser.parse_args()
    config = compose_config(["experiment=mirex"], ROOT)
    workspace = prepare_stages(config, Workspace(ROOT, ROOT / "outputs" / "benchmarks" / "mirex"))
    store, split = PieceStore(workspace.pieces), read_split(workspace)
    bundle = load_bundle(arguments.model)
    representation: Any = bundle.representation
    voices, size = representation.voices, representation.size

    def encoded(pieces: list[Piece]) -> list[Tokens]:
        found = (tokens_of(piece, representation) for piece in pieces)
        return [tokens for tokens in found if tokens is not None]

    songs = list(store.only(split[arguments.split]))[: arguments.pieces]
    cut = [one for piece in songs if (one := excerpt(piece)) is not None]
    test = encoded(cut)
    counted = list(store.only(split["train"]))[:COUNTED_PIECES]
    ppm, order = nats_by_ppm(encoded(counted), encoded(list(store.only(split["validation"]))), size)
    of_notes = {
        "train": counted,
        "validation": list(store.only(split["validation"])),
        "test": [piece for piece in cut if tokens_of(piece, representation) is not None],
    }
    rows = {"mirex": nats_by_network(bundle, test), "ppm": ppm(test)}
    if arguments.plain is not None:
        rows["plain"] = nats_by_network(load_bundle(arguments.plain), test)
    figures = {
        "songs": len(songs),
        "continuations": len(test),
        "nats_per_note": {
            name: round(per_note(nats, test, voices), 4) for name, nats in rows.items()
        },
        "ppm": {"order": order, "songs": len(counted)},
        "ppm of notes": notes_by_ppm(of_notes),
        "command": time_command(arguments.model, cut[0]),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
    }
    print(json.dumps(figures, indent=2))
    arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

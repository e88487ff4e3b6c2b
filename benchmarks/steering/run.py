"""How well samples do what `sampling.control` asks for, and what learning it costs.

    python benchmarks/steering/run.py MODEL [--experiment NAME] [--plain MODEL] [--pieces N]

For each control, pieces of eight bars are drawn for each of five shares of the training bars, and
pieces in which every bar has a share of its own. Printed and written into results.json, under the
name of the experiment: Spearman's correlation of what was asked with what the notes of the samples
have, over pieces and over bars, for each strength of guidance. MODEL is the folder of a bundle that
was trained with `model.voices.controls.names`. With --plain, a bundle without controls, the nats
per note that both give the test pieces without anything asked: what the controls cost.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from ostinato.config import compose, conf_folder
from ostinato.evaluation.likelihood import nll_of_pieces, notes_of_pieces
from ostinato.models.bundle import load_bundle
from ostinato.music.piece import Piece
from ostinato.sampling.sequence import compose as draw
from ostinato.sampling.settings import Control
from ostinato.stages.compose import compose_config
from ostinato.stages.encoding import read_split, token_store
from ostinato.stages.run_stages import prepare_stages
from ostinato.stages.workspace import Workspace

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "steering" / "results.json"
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
BARS, SEED = 8, 1


def measure_bar(piece: Piece, name: str, bar: int, bars: int) -> float:
    """Return what some bars of a piece have of a control, from its notes; nan without any."""
    length = 4 * piece.resolution
    begin, end = bar * length, (bar + bars) * length
    notes = piece.notes
    onset, stop = notes["onset"], notes["onset"] + notes["duration"]
    sounding = np.clip(np.minimum(stop, end) - np.maximum(onset, begin), 0, None)
    begun = (onset >= begin) & (onset < end)
    quarters = (end - begin) / piece.resolution
    with np.errstate(invalid="ignore", divide="ignore"):
        values = {
            "density": begun.sum() / quarters,
            "polyphony": sounding.sum() / (end - begin),
            "pitch": (sounding * notes["pitch"]).sum() / sounding.sum(),
            "duration": sounding.sum() / begun.sum() / piece.resolution,
        }
    return float(values[name])


def rank_correlation(asked: Sequence[float], got: Sequence[float]) -> float:
    """Return Spearman's correlation of the pairs that have a value."""
    pairs = np.array([asked, got])
    known = np.isfinite(pairs).all(axis=0)
    return round(float(spearmanr(*pairs[:, known]).statistic), 3)


def samples(
    bundle: Any,
    settings: Any,
    shares: dict[str, tuple[float, ...]],
    guidance: float,
    seed: int,
) -> list[Piece]:
    """Return pieces of which something is asked."""
    names = ("density", "polyphony", "pitch", "duration")
    control = Control(**{name: shares.get(name) for name in names})
    asked = replace(settings, control=control, guidance=guidance)
    drawn = draw(bundle.network, bundle.representation, asked, seed)
    return [bundle.representation.decode(one.steps) for one in drawn]


def steer(bundle: Any, settings: Any, name: str, guidance: float) -> dict[str, Any]:
    """Return the correlations of a control, and the mean of the pieces for each share."""
    asked, got, means = [], [], {}
    for share in SHARES:
        pieces = samples(bundle, settings, {name: (share,)}, guidance, SEED)
        values = [measure_bar(piece, name, 0, BARS) for piece in pieces]
        asked += [share] * len(values)
        got += values
        means[str(share)] = round(float(np.nanmean(values)), 3)
    by_bar: tuple[list[float], list[float]] = ([], [])
    random = np.random.default_rng(SEED)
    for number in range(len(SHARES)):
        shares = tuple(random.choice(SHARES, BARS).tolist())
        for piece in samples(bundle, settings, {name: shares}, guidance, SEED + number):
            by_bar[0].extend(shares)
            by_bar[1].extend(measure_bar(piece, name, bar, 1) for bar in range(BARS))
    return {
        "by_piece": rank_correlation(asked, got),
        "by_bar": rank_correlation(*by_bar),
        "means": means,
    }


def nats_per_note(folder: Path, config: Any, workspace: Workspace) -> float:
    """Return the nats per note of the test pieces by a bundle, without anything asked."""
    bundle = load_bundle(folder)
    store = token_store(config, workspace, bundle.representation)
    test: NDArray[np.int64] = store.indices(read_split(workspace)["test"])
    nats = nll_of_pieces(bundle.network, store, test, 8, bundle.representation, (0, 0))
    return float(nats.sum() / notes_of_pieces(store, test, bundle.representation).sum())


def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a folder of a bundle with controls")
    parser.add_argument("--plain", type=Path, default=None, help="one without")
    parser.add_argument("--experiment", default="bach_lstm", help="whose music it learned")
    parser.add_argument("--pieces", type=int, default=12, help="samples for each share (12)")
    parser.add_argument("--guidance", type=float, nargs="*", default=(1.0, 2.0), help="(1 2)")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the figures")
    arguments = parser.parse_args()
    bundle = load_bundle(arguments.model)
    words = [f"sampling.pieces={arguments.pieces}", "sampling.candidates=1"]
    words += [f"sampling.min_bars={BARS}", f"sampling.max_bars={BARS}"]
    settings = compose(words, conf_folder(ROOT)).build("sampling")
    figures: dict[str, Any] = {"pieces": arguments.pieces}
    for name in bundle.network.controls.names:
        for guidance in arguments.guidance:
            found = steer(bundle, settings, name, guidance)
            figures[f"{name}, guidance {guidance:g}"] = found
            print(name, guidance, json.dumps(found), flush=True)
    if arguments.plain is not None:
        config = compose_config([f"experiment={arguments.experiment}"], ROOT)
        folder = ROOT / "outputs" / "benchmarks" / "steering"
        workspace = prepare_stages(config, Workspace(ROOT, folder))
        nats = {
            name: round(nats_per_note(path, config, workspace), 4)
            for name, path in (("controls", arguments.model), ("plain", arguments.plain))
        }
        figures["nats_per_note"] = nats | {"ratio": round(nats["controls"] / nats["plain"], 4)}
        print(json.dumps(figures["nats_per_note"]))
    file = arguments.json
    found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    found[arguments.experiment] = figures  # those of other experiments stay
    file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

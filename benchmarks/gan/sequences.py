"""A sequence model on the measures of the GAN: what it composes, cut into segments.

    ostinato run experiment=bach_lstm corpus=jsb16 split=published
    python benchmarks/gan/sequences.py outputs/runs/DATE/TIME [--bars 2,4]

Composes anew with the model of a run on the voices representation, by its own probabilities
(temperature 1, nothing left out), cuts 300 segments at the barlines, and measures them as those of
the GAN are. Writes sequences.json and RESULTS.md beside this file.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_tables import Figures, add_sequence, numbers, write_page

from ostinato.config import Config, conf_folder
from ostinato.config import compose as compose_config
from ostinato.errors import UserError
from ostinato.stages.workspace import Workspace

ROOT = Path(__file__).parents[2]
SEGMENTS = 300
PITCHES = (36, 83)


def main() -> int:
    """Measure the run that is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="FOLDER", help="below outputs/runs")
    parser.add_argument("--bars", type=numbers, default=[2, 4], help="lengths of segments: 2,4")
    arguments = parser.parse_args()
    try:
        for bars in arguments.bars:
            name, figures = measure(arguments.run.resolve(), bars)
            add_sequence(bars, name, figures)
        write_page()
    except UserError as error:
        print(f"sequences: {error}", file=sys.stderr)
        return error.exit_code
    return 0


@dataclass(frozen=True)
class Cutting:
    """What a network says of segments, for a model that makes none itself."""

    spec: Any
    pitch_range: tuple[int, int] = PITCHES


def measure(folder: Path, bars: int) -> tuple[str, Figures]:
    """The name of a run's model, and the figures of the segments of what it composes."""
    from ostinato.corpora.store import PieceStore
    from ostinato.methods.segments.cutting import cut_segments
    from ostinato.methods.segments.metrics import compare_segments
    from ostinato.models.bundle import load_bundle
    from ostinato.models.segments import SegmentSpec
    from ostinato.models.sequence import SequenceModel
    from ostinato.representations.voices import Voices
    from ostinato.stages.encoding import read_split, token_store
    from ostinato.stages.piece_cache import locate_pieces

    config = Config.load(folder / "config.yaml")
    pieces = locate_pieces(config, Workspace(ROOT, folder))
    workspace = Workspace(ROOT, folder, pieces)
    bundle = load_bundle(workspace.model, config.plugins)
    representation = bundle.representation
    if not (isinstance(bundle.network, SequenceModel) and isinstance(representation, Voices)):
        raise UserError(f"{folder} holds no sequence model on the voices representation.")
    low, high = PITCHES
    beat, bar = representation.beat_steps, representation.bar_steps
    spec = SegmentSpec(representation.voices, bars, bar, beat, low, high - low + 1)
    store, split = token_store(config, workspace, representation), read_split(workspace)
    cutting: Any = Cutting(spec)
    training, test = (
        cut_segments(store, store.indices(split[part]), PieceStore(pieces), representation, cutting)
        for part in ("train", "test")
    )
    ours = compose_segments(bundle.network, representation, spec, config["seed"])
    judged = compare_segments(ours, training, test, spec, config["seed"])
    return config["choices"]["model"], judged.table()


def compose_segments(network: Any, representation: Any, spec: Any, seed: int) -> Any:
    """Return the voice roll of so many segments of what a network composes."""
    import numpy as np

    from ostinato.representations.voice_roll import concatenate
    from ostinato.sampling.sequence import compose

    # as the model says, neither sharpened nor cut
    plain = ["sampling.temperature=1.0", "sampling.top_p=null"]
    sizes = [f"sampling.pieces={SEGMENTS}", f"sampling.max_bars={2 * spec.bars}"]
    chosen = ["~experiment", "sampling=ancestral", *plain, *sizes]
    settings = compose_config(chosen, conf_folder(ROOT)).build("sampling")
    rows = compose(network, representation, settings, seed)
    rolls = []
    for tokens, _ in rows:
        whole = tokens[: len(tokens) // spec.voices * spec.voices]  # the last step may be cut short
        roll = representation.to_grid(whole[None])
        for begin in range(0, roll.steps - spec.steps + 1, spec.bar_steps):
            rolls.append(roll.crop(begin, begin + spec.steps))
    if not rolls:
        raise UserError(f"none of the composed pieces has {spec.bars} bars.")
    order = np.random.default_rng(seed).permutation(len(rolls))[:SEGMENTS]
    segments = concatenate(rolls)[order]
    segments.onset[..., 0] = segments.sounding[..., 0]  # what is held over a barline begins there
    return segments


if __name__ == "__main__":
    sys.exit(main())

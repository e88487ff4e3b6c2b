"""Samples beside training pieces: the most original are kept, and copies are drawn anew."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ostinato import console
from ostinato.errors import UserError
from ostinato.methods.base import Sample, Samples
from ostinato.sampling.candidates import choose
from ostinato.wording import agree, quantity

if TYPE_CHECKING:
    from ostinato.corpora.store import PieceStore
    from ostinato.evaluation.originality.assessment import Music

MOST_TRAINING = 10_000  # pieces in which copies are looked for, where no setting says how many


def comparison_music(
    pieces: "PieceStore", split: Mapping[str, Sequence[str]], most: int = MOST_TRAINING
) -> "Music":
    """Return the music that samples are compared with: at most so many training pieces."""
    from ostinato.evaluation.originality.assessment import HELD_OUT, Music, spread

    training = spread(split["train"], most)
    validation, test = (spread(split[part], HELD_OUT) for part in ("validation", "test"))
    return Music(
        pieces.only(training),
        pieces.only(validation),
        pieces.only(test),
        left_out=len(split["train"]) - len(training),
    )


def keep_most_original(
    draw: Callable[[int], Samples], candidates: int, seed: int, music: "Music"
) -> Samples:
    """Return for each sample that of several candidates for which least speaks that it is a copy.

    `draw` returns as many samples from a seed. One that ended by itself comes first, and one that
    has notes.
    """
    from ostinato.evaluation.originality.index import build_index
    from ostinato.evaluation.originality.measure import measure_originality

    drawn = [draw(_seed_of(seed, 0, number) if number else seed) for number in range(candidates)]
    index = build_index(music.training)
    every = [sample for one in drawn for sample in one.samples]
    cost = []
    for sample in console.track(every, "comparing with training pieces", len(every)):
        bits = measure_originality(index, sample.piece).evidence
        cost.append(bits if len(sample.piece.notes) else np.nan)
    ended = [sample.ended is not False for sample in every]
    kept = choose(np.array(cost), np.array(ended), len(drawn[0].samples))
    return replace(drawn[0], samples=[every[place] for place in kept])


def replace_copies(
    sampled: Samples, draw: Callable[[int], Samples], rounds: int, seed: int, music: "Music"
) -> tuple[Samples, dict[str, int]]:
    """Return the samples with others for those that copy training pieces, and counts for people.

    `draw` returns as many samples from a seed. A sample that still is a copy after so many rounds
    is left out. Raises `UserError` where none would be left.
    """
    from ostinato.evaluation.originality.detector import build_detector
    from ostinato.evaluation.originality.measure import typical_quarters

    samples = list(sampled.samples)
    quarters = typical_quarters([sample.piece for sample in samples])
    detector = build_detector(music, quarters)
    copies = detector.find_copies([sample.piece for sample in samples])
    first = len(copies)
    for number in range(1, rounds + 1):
        if not copies:
            break
        drawn: list[Sample] = draw(_seed_of(seed, number)).samples
        for place in copies:  # a sample that continues a piece stands where that piece is
            samples[place] = drawn[place]
        found = detector.find_copies([samples[place].piece for place in copies])
        copies = [copies[place] for place in found]
    if len(copies) == len(samples):
        raise UserError(
            f"{quantity(len(samples), 'sample')} {agree(len(samples), 'copies', 'copy')} training "
            f"pieces, after {quantity(rounds, 'further draw')} too: the model has learned them by "
            "heart. Train it on more music or for fewer epochs, or set sampling.novelty=0."
        )
    if first:
        left = f", {len(copies)} of them left out" if copies else ""
        console.say(
            f"{first} of {quantity(len(samples), 'sample')} copied training pieces and "
            f"{agree(first, 'was', 'were')} drawn anew{left}"
        )
    kept = [sample for place, sample in enumerate(samples) if place not in set(copies)]
    counts = {"copies_drawn_anew": first, "copies_left_out": len(copies)}
    return replace(sampled, samples=kept), counts


def _seed_of(seed: int, *numbers: int) -> int:
    """Return the seed of a further draw, another for each."""
    return int(np.random.SeedSequence([seed, *numbers]).generate_state(1)[0])

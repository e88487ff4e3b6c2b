"""Verdict: the first sentences of the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ostinato.evaluation.bootstrap import CONFIDENCE, FEWEST, Advantage
from ostinato.wording import agree, quantity

if TYPE_CHECKING:
    from ostinato.evaluation.sets import Comparison

FAR = 1.0  # standard deviations of the test split
MOST_NAMED = 3  # measures


@dataclass(frozen=True)
class Verdict:
    """A headline, sentences that explain it, and warnings that must not be missed."""

    headline: str
    details: Sequence[str] = ()
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class Headline:
    """A figure that counts, beside what it should be compared with, both as they are read.

    description: what it is; value, control: with their intervals; better: "higher" or "lower".
    """

    name: str
    description: str
    value: str
    control: str
    better: str


def show_likelihood(nats: Mapping[str, float], advantages: Mapping[str, Advantage]) -> Headline:
    """Return nats per note of `model` beside the best of the baselines."""
    best = min(advantages, key=lambda name: nats[name])
    gain = advantages[best]
    interval = "" if gain.low is None else f" ({gain.low:.3f} to {gain.high:.3f})"
    return Headline(
        "nats per note",
        "how surprising a note of an unseen piece is, on average; the control is "
        f"{NAMES[best]}, and the difference {gain.mean:.3f}{interval}",
        f"{nats['model']:.3f}",
        f"{nats[best]:.3f}",
        "lower",
    )


def show_segments(area: float, control: float, gap: tuple[float, float]) -> Headline:
    """Return the mean overlapping area of segments; gap: the interval of control minus area."""
    interval = f"({gap[0]:.3f} to {gap[1]:.3f})"
    return Headline(
        "overlapping area of segments",
        "share of the distributions of features in common with unseen segments; the control is "
        f"training segments, and the difference {control - area:.3f} {interval}",
        f"{area:.3f}",
        f"{control:.3f}",
        "higher",
    )


def judge_likelihood(
    nats: Mapping[str, float], advantages: Mapping[str, Advantage], transposed: bool = False
) -> Verdict:
    """Return what nats per note of `model` and of each baseline come to.

    `advantages` are over each baseline. The headline is about the best of them.
    """
    best = min(advantages, key=lambda name: nats[name])
    own, other, gain = nats["model"], nats[best], advantages[best]
    figures = f"{own:.2f} nats per note against {other:.2f}"
    headline = {
        1: f"Better than the best baseline, {NAMES[best]}: {figures}",
        -1: f"Worse than the best baseline, {NAMES[best]}: {figures}",
        0: f"Not distinguishable from the best baseline, {NAMES[best]}: {figures}",
    }[gain.sign]
    if gain.low is None:
        headline = f"{figures} of the best baseline, {NAMES[best]}: too few pieces to tell"
    details = [_explain(gain)]
    if transposed:
        details.append("The model's figure is the mean over several keys; the baselines' is not.")
    warnings = [
        f"The model predicts unseen pieces worse than {NAMES[name]} ({own:.2f} against "
        f"{nats[name]:.2f} nats per note): it has learned less than {_LEARNED[name]}. Train it "
        "longer, on more music, or with another learning rate."
        for name in NAMES
        if name in advantages and nats[name] < own
    ]
    return Verdict(headline, details, warnings[:1])


NAMES = {  # the plainest first
    "unigram": "unigram counts",
    "bigram": "bigram counts",
    "ngram": "an n-gram (Kneser-Ney)",
    "ppm": "PPM",
}
_LEARNED = {
    "unigram": "how often each thing occurs",
    "bigram": "what usually follows what",
    "ngram": "what usually follows the last few tokens",
    "ppm": "what usually follows the longest context that occurs in training",
}


def _explain(gain: Advantage) -> str:
    pieces = f"{gain.pieces} test piece{'' if gain.pieces == 1 else 's'}"
    better = f"better on {gain.better} of the {pieces}"
    if gain.low is None or gain.high is None:
        return (
            f"The difference is {gain.mean:.2f} nats per note; the model is {better}. With fewer "
            f"than {FEWEST} pieces no interval is worth giving."
        )
    return (
        f"The difference is {gain.mean:.2f} nats per note ({gain.low:.2f} to {gain.high:.2f} with "
        f"{CONFIDENCE} % confidence, by a paired bootstrap over pieces); the model is {better}."
    )


def judge_segments(
    area: float, control: float, gap: tuple[float, float], features: int, exact: float | None
) -> Verdict:
    """Return what the overlapping areas of segments come to.

    area: generated against test; control: training against test; gap: the 95 % interval of control
    minus area. exact: of an autoencoder, the share of notes that come out as they went in.
    """
    shares = f"{area:.2f} of the distributions of {features} features"
    difference = f"The difference is {control - area:.2f} ({gap[0]:.2f} to {gap[1]:.2f} with "
    difference += f"{CONFIDENCE} % confidence, by a bootstrap over segments)."
    if gap[0] > 0:
        comparison = f"below the {control:.2f} of training segments"
    elif gap[1] < 0:
        comparison = f"above the {control:.2f} of training segments"
    else:
        comparison = f"not distinguishable from the {control:.2f} of training segments"
    headline = f"Shares {shares} with unseen segments, {comparison}"
    if exact is None:
        return Verdict(headline, [difference])
    reconstruction = f"Gives back {exact:.1%} of the notes of unseen segments exactly"
    return Verdict(reconstruction, [f"{headline} (what it makes of noise).", difference])


def judge_samples(
    measures: "Mapping[str, Comparison]", silent: int, cut: int | None, pieces: int
) -> Verdict:
    """Return where the samples are farthest from the test split, and what is wrong with them."""
    far = {
        name: abs(c.generated.mean - c.test.mean) / c.test.sd
        for name, c in measures.items()
        if min(c.generated.count, c.test.count) >= FEWEST and c.test.sd > 0
    }
    named = [name for name in sorted(far, key=lambda name: -far[name]) if far[name] >= FAR]
    shown = [
        f"{label_of(name)} {number(measures[name].generated.mean)} "
        f"(test split {number(measures[name].test.mean)})"
        for name in named[:MOST_NAMED]
    ]
    details, warnings = [], []
    if shown:
        details.append(f"Its music is farthest from real pieces in: {', '.join(shown)}.")
    elif far:
        details.append(
            "In no measure is its music a standard deviation or more away from real pieces."
        )
    if not pieces:
        return Verdict("", [], ["There are no samples: its music was not measured."])
    if pieces < FEWEST:
        sampled = "One sample says" if pieces == 1 else f"{pieces} samples say"
        details.append(
            f"{sampled} little about the model's music: measure {FEWEST} at least "
            f"(sampling.pieces={FEWEST})."
        )
    if cut and cut < pieces:
        was = agree(cut, "was cut before it", "were cut before they")
        details.append(f"{cut} of {quantity(pieces, 'sample')} {was} came to an end.")
    if silent:
        of = f"{silent} of {quantity(pieces, 'sample')}"
        warnings.append(f"{of} {agree(silent, 'is', 'are')} silent.")
    if cut and cut == pieces:
        warnings.append("No sample came to an end of its own: all were cut at the longest length.")
    return Verdict("", details, warnings)


def label_of(measure: str) -> str:
    """Return a measure's name as it is read."""
    return measure.removeprefix("n_").replace("_", " ")


def number(value: float) -> str:
    """Return a figure with as many digits as are worth reading."""
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"

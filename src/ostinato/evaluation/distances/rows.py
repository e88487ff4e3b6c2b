"""Distances in words and figures, as the report shows them."""

from ostinato.evaluation.bootstrap import FEWEST
from ostinato.evaluation.distances.comparison import SetDistances
from ostinato.evaluation.distances.measures import DISTANCES
from ostinato.wording import quantity

FEW = 30  # samples, below which the report says that they are few


def distance_rows(found: SetDistances) -> list[dict[str, object]]:
    """Return a row for each distance, those first that tell every control from real music."""
    known = sorted(DISTANCES, key=lambda distance: not distance.headline)
    rows: list[dict[str, object]] = []
    for distance in known:
        if (figure := found.distances.get(distance.name)) is None:
            continue
        control = "–"
        if figure.control is not None:
            control = _show(figure.control, figure.control_low, figure.control_high)
        rows.append(
            {
                "name": distance.name.replace("_", " "),
                "description": f"{distance.description} · {distance.source}",
                "value": _show(figure.value, figure.low, figure.high),
                "control": control,
                "better": "higher" if distance.higher else "lower",
                "headline": distance.headline,
            }
        )
    return rows


def describe_sets(found: SetDistances) -> list[str]:
    """Return what the distances rest on, in sentences."""
    sentences = [
        "Only a distance in bold ranks every control below real music, with as few as 6 pieces: "
        "pitches shuffled, notes drawn independently, one piece repeated, an n-gram, PPM."
    ]
    if found.samples < FEW:
        little = "tell little" if found.samples < FEWEST else "are few"
        sentences.append(
            f"{quantity(found.samples, 'sample')} {little}: the intervals are as wide as that "
            f"makes them. {FEW} or more make them narrower (sampling.pieces={FEW})."
        )
    if not found.control:
        sentences.append("There is no control, as no other real music of the same form is at hand.")
    elif found.drawn < found.samples:
        sentences.append(
            f"The control is of {found.drawn} pieces, as there are no more training pieces."
        )
    if found.left_out:
        named = ", ".join(found.left_out)
        sentences.append(f"Not compared, as real pieces do not differ in them: {named}.")
    if found.undefined:
        values = quantity(found.undefined, "value")
        sentences.append(f"{values} of metrics were undefined and count as the mean of real music.")
    return sentences


def _show(value: float, low: float | None, high: float | None) -> str:
    shown = [f"{x:.1f}" if abs(x) >= 10 else f"{x:.3f}" for x in (value, low or 0.0, high or 0.0)]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"

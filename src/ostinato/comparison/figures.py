"""Figures with their intervals as text."""

from ostinato.comparison.statistics import Figure

MISSING = "–"


def format_figure(figure: Figure | None, digits: int) -> str:
    """Return a mean with its interval: 1.790 [1.712, 1.866]."""
    if figure is None:
        return MISSING
    mean = f"{figure.mean:,.{digits}f}"
    if figure.low is None or figure.high is None:
        return mean
    return f"{mean} [{figure.low:,.{digits}f}, {figure.high:,.{digits}f}]"


def end_values(figure: Figure | None) -> list[str]:
    """Return a mean and the ends of its interval, each empty where there is none."""
    if figure is None:
        return ["", "", ""]
    ends = (figure.mean, figure.low, figure.high)
    return ["" if end is None else f"{end:.6g}" for end in ends]


def escape_latex(text: str) -> str:
    r"""Return text in which LaTeX's own signs stand for themselves."""
    special = {"\\": r"\textbackslash{}", "–": "--", "~": r"\textasciitilde{}"}
    special |= {sign: f"\\{sign}" for sign in "&%$#_{}"}
    return "".join(special.get(sign, sign) for sign in text)

"""Tables for the terminal, and the view that they make with a figure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.columns import Columns
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ostinato.untrusted import printable

BAR = 16  # characters of the longest bar
EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True)
class View:
    """Tables to print, part by part, and a function that draws the PNG."""

    parts: Sequence[RenderableType]
    picture: Callable[[], bytes]


def facts(title: str, rows: Iterable[tuple[str, str]]) -> Table:
    """A table of names and values, without those that are empty."""
    return table(title, ("", ""), [row for row in rows if row[1]], header=False)


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], header: bool = True
) -> Table:
    """A table; a column whose name begins with # holds numbers."""
    heading = Text(printable(title), style="bold")
    made = Table(title=heading, title_justify="left", show_header=header)
    for name in columns:
        made.add_column(name.lstrip("#"), justify="right" if name.startswith("#") else "left")
    for row in rows:
        made.add_row(*(Text(printable(cell, 2000)) for cell in row))
    return made


def counted(
    title: str, label: str, unit: str, counts: Sequence[tuple[str, int]], most: int = 12
) -> Table:
    """A table of counts with bars; the last row sums up what is beyond `most` rows."""
    shown, rest = list(counts[:most]), counts[most:]
    if rest:
        shown.append((f"{len(rest)} more", sum(count for _, count in rest)))
    longest = max((count for _, count in shown), default=1)
    rows = [(name, f"{count:,}", bar(count / max(1, longest))) for name, count in shown]
    return table(title, (label, f"#{unit}", ""), rows)


def bar(share: float) -> str:
    """A bar of up to `BAR` characters for a share from 0 to 1."""
    whole, eighths = divmod(round(share * BAR * 8), 8)
    return "█" * whole + EIGHTHS[eighths].strip()


def beside(*tables: Table) -> Columns:
    """Tables side by side where the terminal is wide enough."""
    return Columns(tables, padding=(1, 3))

"""What a training shows on a terminal of 80 columns."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console
from trainings import SHORT, fit

from ostinato import console
from ostinato.data.store import TokenStore

CODES = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|[\r\n]|[^\x1b\r\n]+")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Both streams of the program, as a terminal receives them."""
    stream = io.StringIO()
    for name in ("out", "err"):
        screen = Console(file=stream, force_terminal=True, width=80, highlight=False)
        monkeypatch.setattr(console, name, screen)
    return stream


def what_stays(stream: str) -> list[str]:
    """The lines on the screen in the end: a terminal that knows what rich writes."""
    lines, row = [""], 0
    for code in CODES.finditer(stream):
        if code[0] == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif code[2] == "A":
            row -= int(code[1] or 1)
        elif code[2] == "K":
            lines[row] = ""
        elif code[0] != "\r" and not code[2]:
            lines[row] += code[0]
    return [line for line in lines if line.strip()]


def test_one_line_an_epoch_stays(store: TokenStore, tmp_path: Path, terminal: io.StringIO) -> None:
    fitted, _ = fit(store, SHORT, tmp_path)
    assert what_stays(terminal.getvalue()) == [
        f"epoch {row['epoch']} of 3: train {row['train']:.4f}, "
        f"validation {row['validation']:.4f} nats per token"
        for row in fitted.curves
    ]


def test_the_bar_is_of_the_epoch_in_progress_and_fits_the_terminal(
    store: TokenStore, tmp_path: Path, terminal: io.StringIO
) -> None:
    fit(store, SHORT, tmp_path)
    shown = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", terminal.getvalue())
    bars = [line for line in re.split(r"[\r\n]", shown) if line.endswith("left")]
    for epoch in ("epoch 1 of 3 ", "epoch 2 of 3 ", "epoch 3 of 3 ", "epoch 3 of 3, validation "):
        assert any(bar.startswith(epoch) for bar in bars), epoch
    assert not any("epoch 0" in bar for bar in bars)
    assert max(map(len, bars)) <= 80


def test_nothing_is_drawn_where_there_is_no_terminal(
    store: TokenStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(store, SHORT, tmp_path)
    told, drawn = capsys.readouterr()
    assert [line.partition(":")[0] for line in told.splitlines()] == [
        f"epoch {n} of 3" for n in (1, 2, 3)
    ]
    assert drawn == ""

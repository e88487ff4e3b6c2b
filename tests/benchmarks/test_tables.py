"""Results are kept once for each row, corpus and seed, and stand beside published figures."""

import json
from pathlib import Path
from typing import Any

import pytest
from run import nats_per_step
from tables import BEGIN, END, FRAMES, add_result, compared, write_tables

import comparison
from ostinato.config import Config
from ostinato.errors import UserError


def result(row: str = "jsb_gru", corpus: str = "jsb", seed: int = 1, **more: Any) -> dict[str, Any]:
    plain = {"row": row, "corpus": corpus, "seed": seed, "unit": "frame", "test": 8.0}
    return {**plain, "validation": 8.5, "minutes": 1.5, "parameters": 1000, **more}


def test_a_result_replaces_the_one_before_it(tmp_path: Path) -> None:
    add_result(result("nottingham_gru", "nottingham"), tmp_path)
    add_result(result(seed=2), tmp_path)
    add_result(result(seed=1), tmp_path)
    kept = add_result(result(seed=2, test=7.0), tmp_path)
    assert [(one["row"], one["seed"], one["test"]) for one in kept] == [
        ("jsb_gru", 1, 8.0),
        ("jsb_gru", 2, 7.0),
        ("nottingham_gru", 1, 8.0),
    ]
    assert json.loads((tmp_path / "results.json").read_text()) == kept


def cells(table: str, name: str) -> list[str]:
    [line] = [line for line in table.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:5]


def test_rows_of_an_architecture_are_one_line_and_seeds_are_averaged() -> None:
    results = [
        result(seed=1, test=8.0),
        result(seed=2, test=9.0),
        result("nottingham_gru", "nottingham", test=3.25),
    ]
    table = compared(results, [{"model": "RNN", "jsb": 8.71, "piano_midi": 8.37}], FRAMES)
    assert cells(table, "Ostinato, `gru`") == ["**8.500**", "**3.250**", "", ""]
    assert cells(table, "RNN") == ["8.71", "", "", "8.37"]


def test_of_two_rows_for_a_cell_validation_chooses() -> None:
    results = [
        result("jsb_best", "musedata", test=5.0, validation=6.0),
        result("nottingham_best", "musedata", test=5.5, validation=5.9),
    ]
    assert cells(compared(results, [], FRAMES), "Ostinato, `best`")[2] == "**5.500**"


def test_the_summary_keeps_what_stands_around_its_table(tmp_path: Path) -> None:
    summary = tmp_path / "results.md"
    summary.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    add_result(result(), tmp_path)
    for _ in range(2):
        write_tables(tmp_path, summary)
        text = summary.read_text()
        assert text.startswith("before\n")
        assert text.endswith(f"{END}\nafter\n")
        assert text.count(BEGIN) == text.count("**8.000**") == 1
        assert "old" not in text
    page = (tmp_path / "RESULTS.md").read_text()
    assert "| `jsb_gru` | jsb | 1 | 8.000 | 8.500 |" in page
    assert "| RNN-NADE | 5.19 | 2.31 | 5.60 | 7.05 |" in page


PIECES = [
    {"name": "test/000", "nats": "30.0", "tokens": "11", "frames": "11"},
    {"name": "test/001", "nats": "10.0", "tokens": "6", "frames": "6"},
]


def test_end_tokens_cost_nats_but_are_not_counted() -> None:
    assert nats_per_step(PIECES, "token") == pytest.approx(40 / 15, abs=1e-4)
    assert nats_per_step(PIECES, "frame") == pytest.approx(40 / 17, abs=1e-4)
    assert nats_per_step(PIECES, "frame", {"test/001"}) == pytest.approx(10 / 6, abs=1e-4)
    assert nats_per_step(PIECES, "frame", ()) is None


def evaluated(folder: Path, model: str, representation: str, **test: float) -> None:
    """A run of a sweep."""
    chosen = {"model": model, "representation": representation}
    tree = {"choices": chosen, "seed": 1, "training": {"minutes": 10.0}}
    Config(tree).save(folder / "config.yaml")
    (folder / "evaluation").mkdir()
    (folder / "evaluation" / "metrics.json").write_text(json.dumps({"test": test}))


def test_a_sweep_becomes_a_grid(tmp_path: Path) -> None:
    counts = {"pieces": 3, "notes": 100, "nats_per_quarter": 9}
    evaluated(
        tmp_path / "0", "gru", "event", nats_per_note=3, nats_per_token=1, tokens=300, **counts
    )
    evaluated(
        tmp_path / "1", "rnn", "pianoroll", nats_per_note=2, nats_per_frame=4, frames=50, **counts
    )
    evaluated(tmp_path / "2", "rnn", "voices", pieces=0)
    runs = comparison.collect(tmp_path)
    assert [(run["model"], run["unit"], run["steps"]) for run in runs] == [
        ("gru", "token", 300),
        ("rnn", "frame", 50),
    ]
    page = comparison.page(runs)
    assert "10 minutes" in page
    assert "| `gru` | 3.000 | |" in page
    assert "| `rnn` | | 2.000 |" in page


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no run that was evaluated"):
        comparison.collect(tmp_path)

"""Runs of a real MLflow store, set side by side by the command."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from defaults import build
from ostinato import cli
from ostinato.comparison.rows import group_runs
from ostinato.comparison.runs import load_runs
from ostinato.comparison.selection import Asked, select_runs
from ostinato.comparison.table import Table, compare_rows
from ostinato.music.piece import Piece
from ostinato.music.writing import midi_bytes
from ostinato.sweeps.parent import PARENT_TAG
from ostinato.tracking import COMMAND_TAG, SWEEP_TAG, client_of

PIECES = 20


class Store:
    """An MLflow store in a folder, into which runs of made-up figures are recorded."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.client, self.experiment = client_of(build("tracking=local"), home)

    def record(
        self,
        parameters: Mapping[str, Any],
        nats: float | None = 1.8,
        *,
        tags: Mapping[str, str] | None = None,
        status: str = "FINISHED",
        midi: bytes | None = None,
        name: str = "",
    ) -> str:
        """Record a run whose test pieces have about `nats` per note; returns its id."""
        defaults = {"seed": 1, "corpus.name": "bach", "choices.model": "gru", "parameters": 100}
        found = {"data.pieces": "p", "data.split": "s", **(tags or {})}
        created = self.client.create_run(self.experiment, run_name=name or "a run", tags=found)
        run_id = str(created.info.run_id)
        for key, value in {**defaults, **parameters}.items():
            self.client.log_param(run_id, key, value)
        self.client.log_metric(run_id, "minutes", 2.0)
        if nats is not None:
            seed = int(parameters.get("seed", 1))
            self.client.log_text(run_id, scores(nats, seed), "evaluation/pieces.csv")
            curve = "epoch,train,validation\n1,2.0,2.1\n2,1.8,1.9\n"
            self.client.log_text(run_id, curve, "curves/curves.csv")
        if midi is not None:
            folder = self.home / "made" / "samples"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "sample-01.mid").write_bytes(midi)
            (folder / "sampling.json").write_text(json.dumps({"temperature": 0.9}))
            self.client.log_artifacts(run_id, str(folder), "samples")
        self.client.set_terminated(run_id, status)
        return run_id

    def table(self, *runs: str) -> Table:
        """Return the comparison of some runs."""
        found = select_runs(self.client, Asked(runs), self.experiment)
        return compare_rows(group_runs(load_runs(self.client, found)))


def scores(nats: float, seed: int) -> str:
    """pieces.csv of a run: pieces differ alike for all runs, and a little by seed."""
    alike, own = np.random.default_rng(0), np.random.default_rng([seed, int(1000 * nats)])
    lines = ["name,nats,tokens,notes,quarters,seconds"]
    for number in range(PIECES):
        notes = int(alike.integers(100, 300))
        value = notes * (nats + alike.normal(0, 0.2) + own.normal(0, 0.02))
        lines.append(f"bwv{number},{value:.6f},{2 * notes},{notes},{notes / 4},{notes / 6}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an MLflow store, which takes seconds to make."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def store(home: Path) -> Store:
    """The store, without runs of other tests."""
    found = Store(home)
    for run in found.client.search_runs([found.experiment]):
        found.client.delete_run(run.info.run_id)
    return found


def test_runs_that_differ_in_the_seed_alone_are_one_row(store: Store) -> None:
    runs = [
        store.record({"choices.model": model, "seed": seed, "tracking.uri": seed}, nats)
        for model, nats in (("gru", 1.8), ("lstm", 1.6))
        for seed in (1, 2, 3)
    ]
    table = store.table(*runs)
    assert [(row.label, len(row.runs)) for row in table.rows] == [
        ({"model": "lstm"}, 3),
        ({"model": "gru"}, 3),
    ]
    assert table.best == 0
    [pair] = table.pairs
    assert pair.p < 0.05
    assert pair.gap == pytest.approx(-0.2, abs=0.05)
    figure = table.figures[0]["nats_per_note"]
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < 1.6 < figure.high
    # a note is a quarter of a quarter note long here, and a sixth of a second
    quarter = table.figures[0]["nats_per_quarter"].mean
    assert quarter == pytest.approx(4 * figure.mean, rel=1e-6)
    bits = table.figures[0]["bits_per_second"].mean
    assert bits == pytest.approx(6 * figure.mean / np.log(2), rel=1e-6)


def test_rows_that_cannot_be_told_apart_have_no_best(store: Store) -> None:
    runs = [
        store.record({"choices.model": model, "seed": seed}, nats)
        for model, nats in (("gru", 1.600), ("lstm", 1.601), ("rnn", 2.5))
        for seed in (1, 2)
    ]
    table = store.table(*runs)
    assert table.best is None
    assert {table.rows[i].label["model"] for i in table.tied} == {"gru", "lstm"}


def test_with_one_seed_each_no_row_is_the_best_and_it_is_said(store: Store) -> None:
    runs = [store.record({"choices.model": m}, nats) for m, nats in (("gru", 1.2), ("rnn", 2.5))]
    table = store.table(*runs)
    assert table.best is None
    assert table.tied == {0, 1}
    assert any("no row has several seeds" in note for note in table.notes)


def test_what_only_follows_from_another_choice_is_not_in_the_label(store: Store) -> None:
    runs = [
        store.record({"choices.model": "gru", "model.layers": 1, "training.rate": 0.1}),
        store.record({"choices.model": "gru", "model.layers": 1, "training.rate": 0.2}),
        store.record({"choices.model": "rnn", "model.layers": 2, "training.rate": 0.1}),
    ]
    table = store.table(*runs)
    assert all(list(row.label) == ["model", "training.rate"] for row in table.rows)


def test_runs_of_other_corpora_are_not_tested_against_each_other(store: Store) -> None:
    runs = [
        store.record({"seed": seed, "corpus.name": corpus}, tags={"data.pieces": corpus})
        for corpus in ("bach", "nottingham")
        for seed in (1, 2)
    ]
    table = store.table(*runs)
    assert table.pairs == []
    assert any("different corpora (bach, nottingham)" in note for note in table.notes)
    assert table.best is None
    assert not table.tied


def test_what_is_left_out_is_said(store: Store) -> None:
    runs = [store.record({}), store.record({}), store.record({}, status="FAILED", name="broken")]
    table = store.table(*runs)
    [row] = table.rows
    assert row.first.id == runs[1]
    said = " ".join(table.notes)
    assert "broken (FAILED)" in said
    assert "1 run of a config and seed that a newer run repeats" in said


def test_a_run_without_likelihoods_has_gaps(store: Store) -> None:
    runs = [store.record({"choices.model": "gru"}), store.record({"choices.model": "gan"}, None)]
    table = store.table(*runs)
    assert "nats_per_note" not in table.figures[-1]
    assert table.best is None


@pytest.fixture
def project(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store as that of a project that one stands in."""
    root = Path(__file__).parents[2]
    if not (store.home / "outputs").exists():
        (store.home / "outputs").mkdir()
    for name in ("conf", "params.yaml"):
        if not (store.home / name).exists():
            (store.home / name).symlink_to(root / name)
    monkeypatch.chdir(store.home)
    return store


def test_the_command_writes_a_page_and_tables(
    project: Store, short_chorales: list[Piece], capsys: pytest.CaptureFixture[str]
) -> None:
    midi = midi_bytes(short_chorales[0])
    for model, nats in (("gru", 1.8), ("lstm", 1.6)):
        for seed in (1, 2):
            tags = {COMMAND_TAG: f"ostinato run model={model} seed={seed}"}
            project.record({"choices.model": model, "seed": seed}, nats, midi=midi, tags=tags)
    files = ["--page", "c.html", "--csv", "c.csv", "--latex", "c.tex"]
    assert cli.main(["compare", *files]) == 0
    shown = capsys.readouterr().out
    assert "lstm" in shown
    assert "the page is c.html" in shown
    page = Path("c.html").read_text(encoding="utf-8")
    assert page.count('class="card sample') == 4
    for model in ("gru", "lstm"):
        assert f"<code>ostinato run model={model} seed=1</code>" in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    with Path("c.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["model"] for row in rows] == ["lstm", "gru"]
    assert rows[0]["rank"] == "best"
    assert float(rows[0]["nats_per_note_low"]) < float(rows[0]["nats_per_note"])
    assert r"\textbf{lstm}" in Path("c.tex").read_text(encoding="utf-8")


def test_runs_are_chosen_by_search_name_and_sweep(project: Store) -> None:
    parent = project.record({}, None, tags={SWEEP_TAG: "a"})
    gru = project.record({"choices.model": "gru"}, name="one", tags={PARENT_TAG: parent})
    lstm = project.record({"choices.model": "lstm"}, name="two")
    choose = [
        (Asked(where="params.choices.model = 'gru'"), {gru}),
        (Asked(["two"]), {lstm}),
        (Asked(["one", lstm]), {gru, lstm}),
        (Asked(sweep=parent), {gru}),
        (Asked(), {gru, lstm}),
    ]
    for asked, expected in choose:
        found = select_runs(project.client, asked, project.experiment)
        assert {run.info.run_id for run in found} == expected


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["f" * 32], "there is no run ffff"),
        (["nobody"], "there is no run nobody"),
        (["--experiment", "none"], "there is no MLflow experiment none"),
        (["--where", "params.x like like"], "is not in MLflow's search language"),
        (["--sweep", "nowhere"], "neither the folder of a sweep nor the id"),
        (["--where", "params.seed = '77'"], "no run is found"),
        (["tracking=off"], "tracking=off records no runs"),
        (["tracking.uri=http://127.0.0.1:9"], "does not answer"),
    ],
)
def test_a_mistake_is_answered_in_a_sentence(
    project: Store, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    project.record({})
    assert cli.main(["compare", *words]) in (1, 2)
    shown = capsys.readouterr().err
    assert sentence in shown
    assert "Traceback" not in shown


def test_runs_that_all_failed_are_named(project: Store, capsys: pytest.CaptureFixture[str]) -> None:
    project.record({}, status="KILLED", name="stopped")
    assert cli.main(["compare"]) == 1
    assert "stopped (KILLED)" in capsys.readouterr().err


def test_controls_of_overlaps_and_of_distances_stand_beside_their_metrics(store: Store) -> None:
    run = store.record({})
    figures = {
        "overlap/pitch_range": 0.8,
        "control/pitch_range": 0.9,
        "distance/interval_nearest_neighbour": 0.7,
        "control/interval_nearest_neighbour": 0.5,
    }
    for name, value in figures.items():
        store.client.log_metric(run, name, value)
    table = store.table(run)
    assert table.controls == {
        "overlap/pitch_range": 0.9,
        "distance/interval_nearest_neighbour": 0.5,
    }
    assert {column.key for column in table.metrics} == set(table.controls)


def record_across(store: Store, own: str, nats: Mapping[str, float], **more: Any) -> str:
    """Record a run that was scored on several corpora, as evaluating records it."""
    parameters = {"corpus.name": own, "choices.corpus": own, "test_corpora.x.path": own, **more}
    run_id = store.record(parameters, nats[own], tags={"data.pieces": own})
    table = ["corpus,name,nats,notes,quarters"]
    for corpus, mean in nats.items():
        rows = scores(mean, int(more.get("seed", 1))).splitlines()[1:]
        for name, value, _, notes, quarters, _ in (row.split(",") for row in rows):
            table.append(f"{corpus},{corpus}-{name},{value},{notes},{quarters}")
    alike = {"refused": 0, "alike_to_training": 3, "losses": {"notes": 1000, "together": 40}}
    counts = {c: {"left_out": alike if c == "essen" else {}} for c in ("bach", "essen", "jsb")}
    store.client.log_text(run_id, "\n".join(table) + "\n", "evaluation/cross_corpus.csv")
    store.client.log_text(run_id, json.dumps(counts), "evaluation/cross_corpus.json")
    return run_id


ACROSS = {
    "essen": {"bach": 4.0, "essen": 2.0},
    "bach": {"bach": 1.0, "essen": 3.0},
    "jsb": {"bach": 1.5, "essen": 3.5, "jsb": 1.2},
}


def test_rows_are_trained_on_and_columns_tested_on(store: Store) -> None:
    runs = [record_across(store, own, nats, seed=s) for own, nats in ACROSS.items() for s in (1, 2)]
    matrix = store.table(*runs).matrix
    assert matrix is not None
    assert matrix.corpora == matrix.names == ["bach", "essen", "jsb"]
    for row, own in enumerate(matrix.names):
        assert [c for c, cell in matrix.cells[row].items() if cell.own] == [own]
        for corpus, mean in ACROSS[own].items():
            figure = matrix.cells[row][corpus].figures["nats_per_note"]
            assert figure.mean == pytest.approx(mean, abs=0.1), (own, corpus)
            assert figure.seeds == 2
            quarter = matrix.cells[row][corpus].figures["nats_per_quarter"].mean
            assert quarter == pytest.approx(4 * figure.mean, rel=1e-6)
    assert [matrix.shade(row, "bach", "nats_per_note") for row in (0, 1)] == [0.0, 1.0]
    said = " ".join(matrix.notes)
    assert "essen: by bach 3 pieces like a training piece, 40 of 1,000 notes" in said
    assert "every seed: bach on jsb, essen on jsb." in said


def test_the_diagonal_is_what_the_table_of_figures_says(store: Store) -> None:
    table = store.table(*(record_across(store, own, nats) for own, nats in ACROSS.items()))
    assert table.matrix is not None
    for row, index in enumerate(table.matrix.rows):
        own = table.matrix.cells[row][table.rows[index].first.corpus]
        for unit in ("nats_per_note", "nats_per_quarter"):
            assert own.figures[unit] == table.figures[index][unit]


def test_runs_on_one_corpus_alone_have_no_matrix(store: Store) -> None:
    assert store.table(store.record({})).matrix is None


def test_the_matrix_is_on_the_page_and_in_the_tables(
    project: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    for own, nats in ACROSS.items():
        record_across(project, own, nats)
    files = ["--page", "c.html", "--csv", "c.csv", "--latex", "c.tex"]
    assert cli.main(["compare", *files]) == 0
    assert "trained on" in capsys.readouterr().out
    page = Path("c.html").read_text(encoding="utf-8")
    assert page.count('class="own"') == 2 * len(ACROSS)
    with Path("c.csv").open(encoding="utf-8") as file:
        rows = {row["corpus"]: row for row in csv.DictReader(file)}
    on_essen = "cross_corpus/essen/nats_per_note"
    assert float(rows["bach"][on_essen]) == pytest.approx(3, abs=0.1)
    assert float(rows["bach"][f"{on_essen}_low"]) < float(rows["bach"][on_essen])
    assert rows["bach"]["cross_corpus/jsb/nats_per_note"] == ""
    latex = Path("c.tex").read_text(encoding="utf-8")
    assert latex.count(r"\begin{tabular}") == 2
    assert latex.count(r"\textbf{") == len(ACROSS)

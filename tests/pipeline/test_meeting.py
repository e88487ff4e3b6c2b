"""Runs that meet each other, or what a killed one has left: each has its own, and nothing stays."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytorch_lightning as pl
import torch

from forked import die, ended, run, start
from ostinato import run_notes, scratch
from ostinato.stages import checkpoints, run_folder, train
from ostinato.training import checkpoints as checkpointing
from projects import bytes_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

TINY = (
    "debug=smoke",
    "model.size=tiny",
    "model.backbone.hidden_size=16",
    "training.max_pieces=4",
    "training.epochs=2",
    "sampling.min_bars=0",
    "sampling.max_bars=2",
    "sampling.pieces=1",
    "split.validation=0.1",
)


@pytest.fixture(scope="module")
def template(project_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with pieces, a split and encoded pieces: a training begins at once."""
    pytest.importorskip("mlflow")
    folder = tmp_path_factory.mktemp("prepared") / "project"
    shutil.copytree(project_template, folder)
    for stage in ("preprocess", "split", "train"):
        assert run(folder, stage, *TINY) == 0
    shutil.move(folder / "outputs" / "model", folder / "expected")
    shutil.rmtree(folder / "outputs" / "mlflow")
    (folder / "outputs" / run_notes.RUNS).unlink()
    return folder


@pytest.fixture
def prepared(template: Path, tmp_path: Path) -> Iterator[Path]:
    folder = Path(shutil.copytree(template, tmp_path / "project"))
    yield folder
    for name in (scratch.NAME, "*.lock"):
        left = [p for p in folder.rglob(name) if "mlflow" not in p.parts]
        assert not left, f"nothing of ours stays: {left}"


def client(project: Path) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{project}/outputs/mlflow/mlflow.db")


def runs(project: Path) -> "list[Run]":
    return list(client(project).search_runs(["1"], order_by=["attributes.start_time"]))


def words_of(project: Path) -> str:
    return "".join(log.read_text() for log in project.glob("*.log"))


def check_whole(project: Path) -> None:
    """The weights are those of a training that nothing disturbed."""
    assert bytes_of(project / "outputs" / "model") == bytes_of(project / "expected")
    assert not list((project / "outputs" / "checkpoints").iterdir())


def killed(project: Path, *words: str, first: Any) -> None:
    assert run(project, *words, first=first) == -9, words_of(project)


def die_in(module: Any, name: str) -> Any:
    return lambda: setattr(module, name, die)


def die_after_an_epoch() -> None:
    def end(self: Any, trainer: pl.Trainer, module: Any) -> None:
        del self, module
        if trainer.current_epoch == 1:
            die()

    from ostinato.training.callbacks import SeedEachEpoch

    SeedEachEpoch.on_train_epoch_start = end  # type: ignore[method-assign]


@pytest.mark.slow
def test_equal_runs_at_once_each_end_with_their_own(prepared: Path) -> None:
    assert [ended(c) for c in [start(prepared, "run", *TINY) for _ in range(3)]] == [0, 0, 0]
    folders = sorted((prepared / "outputs" / "runs").glob("*/*"))
    assert len(folders) == 3
    ids = {(folder / run_notes.RUNS).read_text() for folder in folders}
    assert len(ids) == 3, "each wrote to its own run"
    for folder in folders:
        assert bytes_of(folder / "model") == bytes_of(prepared / "expected")
        assert (folder / "evaluation" / "metrics.json").exists()
    for found in runs(prepared):
        assert found.info.status == "FINISHED"
        names = {file.path for file in client(prepared).list_artifacts(found.info.run_id)}
        assert {"model", "samples", "evaluation"} <= names
        assert len(client(prepared).get_metric_history(found.info.run_id, "minutes")) == 1
    assert "waiting for process" in words_of(prepared)


@pytest.mark.slow
def test_a_training_that_waited_for_one_that_was_killed_goes_on_from_it(prepared: Path) -> None:
    killed(prepared, "train", *TINY, first=die_after_an_epoch)
    assert run(prepared, "train", *TINY) == 0
    assert "resuming the interrupted training" in words_of(prepared)
    check_whole(prepared)
    [only] = runs(prepared)
    assert only.info.status == "FINISHED"


@pytest.mark.slow
def test_a_run_that_was_begun_but_not_noted_is_taken_up(prepared: Path) -> None:
    def first() -> None:
        write = run_notes.RunNote.write

        def noted(self: run_notes.RunNote, file: Path) -> None:
            if self.id:
                die()
            write(self, file)

        run_notes.RunNote.write = noted  # type: ignore[method-assign]

    killed(prepared, "train", *TINY, first=first)
    [begun] = runs(prepared)
    assert begun.info.status == "RUNNING"
    assert run(prepared, "train", *TINY) == 0
    [only] = runs(prepared)
    assert (only.info.run_id, only.info.status) == (begun.info.run_id, "FINISHED")


@pytest.mark.slow
def test_a_kill_while_the_store_is_made_leaves_none_that_cannot_be_used(prepared: Path) -> None:
    def first() -> None:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        commits = iter([*[lambda _: None] * 18, die])  # MLflow adds a column to a table then
        event.listen(Engine, "commit", lambda connection: next(commits)(connection))

    killed(prepared, "train", *TINY, first=first)
    assert run(prepared, "train", *TINY) == 0, words_of(prepared)
    [only] = runs(prepared)
    assert only.info.status == "FINISHED"


@pytest.mark.slow
def test_a_run_that_was_deleted_is_replaced(prepared: Path) -> None:
    killed(prepared, "train", *TINY, first=die_after_an_epoch)
    [deleted] = runs(prepared)
    client(prepared).delete_run(deleted.info.run_id)
    assert run(prepared, "train", *TINY) == 0
    [new] = runs(prepared)
    assert new.info.run_id != deleted.info.run_id
    assert new.info.status == "FINISHED"
    assert f"the MLflow run {deleted.info.run_id} was deleted" in words_of(prepared)
    check_whole(prepared)


@pytest.mark.slow
def test_the_run_of_a_killed_training_is_marked_by_the_next_start(prepared: Path) -> None:
    killed(prepared, "train", *TINY, first=die_after_an_epoch)
    assert run(prepared, "train", *TINY, "seed=7") == 0
    assert [found.info.status for found in runs(prepared)] == ["KILLED", "FINISHED"]


@pytest.mark.slow
def test_what_a_killed_upload_left_is_gone_after_the_next_start(prepared: Path) -> None:
    killed(prepared, "train", *TINY, first=die_after_an_epoch)
    [only] = runs(prepared)
    folder = prepared / "outputs" / "mlflow" / "artifacts" / only.info.run_id / "artifacts"
    half = folder / "config" / ".artifact.uploading.gflefpb2"
    half.write_text("half a ")
    left = next((prepared / "outputs" / "cache" / "tokens").glob("*/")) / scratch.NAME / "x"
    left.mkdir(parents=True)
    assert run(prepared, "train", *TINY) == 0
    assert not half.exists()
    assert not left.exists()
    check_whole(prepared)


@pytest.mark.slow
def test_a_deleted_experiment_is_told_with_the_way_back(prepared: Path) -> None:
    assert run(prepared, "train", *TINY) == 0
    client(prepared).delete_experiment("1")
    assert run(prepared, "train", *TINY) == 1
    assert "mlflow experiments restore --experiment-id 1" in words_of(prepared)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("last.ckpt", 100),
        pytest.param("last.ckpt", 0, marks=pytest.mark.slow),
        pytest.param("best.ckpt", 20_000, marks=pytest.mark.slow),
    ],
)
def test_a_checkpoint_that_cannot_be_read_begins_anew(prepared: Path, name: str, left: int) -> None:
    killed(prepared, "train", *TINY, first=die_after_an_epoch)
    [file] = (prepared / "outputs" / "checkpoints").glob(f"*/{name}")
    file.write_bytes(file.read_bytes()[:left])
    assert run(prepared, "train", *TINY) == 0
    assert "the training begins anew" in words_of(prepared)
    check_whole(prepared)


@pytest.mark.slow
def test_a_training_of_a_project_that_was_moved_begins_anew(prepared: Path) -> None:
    """Lightning forgets which weights were the best, where their folder is another."""
    killed(prepared, "train", *TINY, first=die_after_an_epoch)
    moved = prepared.rename(prepared.with_name("moved"))
    assert run(moved, "train", *TINY) == 0
    assert "the training begins anew" in words_of(moved)
    check_whole(moved)


@pytest.mark.slow
def test_the_runs_of_a_project_that_was_moved_are_found_and_added_to_where_it_is(
    prepared: Path,
) -> None:
    """MLflow's own store holds absolute addresses of artifacts."""
    old = prepared.rename(prepared.with_name("first"))  # a place of its own: nothing may return
    assert run(old, "train", *TINY) == 0
    moved = old.rename(prepared)
    assert run(moved, "generate", *TINY) == 0
    assert "this project has moved: the artifacts of 1 run" in words_of(moved)
    assert not old.exists(), "nothing is written where the project was"
    (only,) = runs(moved)
    store = client(moved)
    assert only.info.artifact_uri.startswith(moved.as_uri())
    names = {entry.path for entry in store.list_artifacts(only.info.run_id)}
    assert {"config", "samples"} <= names


def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(tmp_path: Path) -> None:
    from forked import FORK

    file = tmp_path / "training" / "last.ckpt"
    writer = checkpointing.AtomicCheckpointIO()
    writer.save_checkpoint({"epoch": 1}, file)

    def work() -> None:
        real = torch.save

        def save(state: Any, path: Path) -> None:
            real(state, path)
            os.truncate(path, 100)
            die()

        torch.save = save
        writer.save_checkpoint({"epoch": 2}, file)

    child = FORK.Process(target=work)
    child.start()
    assert ended(child) == -9
    assert torch.load(file) == {"epoch": 1}
    assert [p.name for p in file.parent.iterdir()] == ["last.ckpt"]
    scratch.clear(tmp_path / scratch.NAME)
    assert [p.name for p in tmp_path.iterdir()] == ["training"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "name"),
    [
        (checkpoints, "_remove"),
        pytest.param(train, "note_bundle", marks=pytest.mark.slow),
        pytest.param(scratch.shutil, "rmtree", marks=pytest.mark.slow),  # type: ignore[attr-defined]
    ],
    ids=["before its checkpoints are removed", "before its run is noted", "while they are"],
)
def test_a_finished_training_that_was_killed_ends_the_same(
    prepared: Path, module: Any, name: str
) -> None:
    killed(prepared, "train", *TINY, first=die_in(module, name))
    assert run(prepared, "train", *TINY) == 0
    check_whole(prepared)
    assert {found.info.status for found in runs(prepared)} == {"FINISHED"}


@pytest.mark.slow
def test_what_is_generated_goes_to_the_run_of_its_training(prepared: Path) -> None:
    """Two runs came to the same weights: each project has its own."""
    assert run(prepared, "train", *TINY) == 0
    [first] = runs(prepared)
    note = (prepared / "outputs" / run_notes.RUNS).read_text()
    assert run(prepared, "train", *TINY) == 0
    (prepared / "outputs" / run_notes.RUNS).write_text(note)
    assert run(prepared, "generate", *TINY) == 0
    files = client(prepared).list_artifacts(first.info.run_id, "samples")
    assert "samples/listen.html" in {file.path for file in files}
    (prepared / "outputs" / run_notes.RUNS).unlink()
    assert run(prepared, "generate", *TINY) == 0
    assert "the newest of 2 that came to the same weights" in words_of(prepared)


def claim(project: Path, *words: str) -> Any:
    return run_folder.own_folder(words, project / "conf", project)


def test_runs_that_start_in_the_same_second_have_folders_of_their_own(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Noon:
        @staticmethod
        def now() -> Any:
            from datetime import datetime

            return datetime(2026, 1, 2, 12)

    monkeypatch.setattr(run_folder, "datetime", Noon)
    with claim(project) as one, claim(project) as two, claim(project, "-m") as sweep:
        assert one == ["hydra.run.dir='outputs/runs/2026-01-02/12-00-00'"]
        assert two == ["hydra.run.dir='outputs/runs/2026-01-02/12-00-00-2'"]
        assert sweep == ["-m", "hydra.sweep.dir='outputs/sweeps/2026-01-02/12-00-00'"]
    assert not list((project / "outputs" / "runs").iterdir()), "nothing was written into them"


def test_help_claims_no_folder(project: Path) -> None:
    for words in (("--help",), ("--cfg", "job"), ("--cfg=job",)):
        with claim(project, *words) as same:
            assert same == list(words)
    assert not (project / "outputs").exists()


@pytest.mark.parametrize("folder", ["conf", "data", ".", "mine", "params.yaml"])
@pytest.mark.parametrize("key", ["hydra.run.dir", "hydra.sweep.dir"])
def test_a_run_writes_into_no_folder_of_somebodys_own(
    prepared: Path, folder: str, key: str
) -> None:
    (prepared / "mine").mkdir()
    (prepared / "mine" / "config.yaml").write_text("mine")
    before = {p.relative_to(prepared) for p in prepared.rglob("*") if p.suffix != ".log"}
    sweeping = ["-m", "seed=1,2"] if key == "hydra.sweep.dir" else []
    assert run(prepared, "run", *TINY, *sweeping, f"{key}={folder}") == 2
    assert f"{key}={folder} " in words_of(prepared)
    after = {p.relative_to(prepared) for p in prepared.rglob("*") if p.suffix != ".log"}
    assert after == before
    assert (prepared / "mine" / "config.yaml").read_text() == "mine"


@pytest.mark.slow
def test_a_folder_that_is_named_may_be_that_of_an_earlier_run(prepared: Path) -> None:
    for _ in range(2):
        assert run(prepared, "run", *TINY, "hydra.run.dir=outputs/runs/mine") == 0
    assert bytes_of(prepared / "outputs/runs/mine/model") == bytes_of(prepared / "expected")

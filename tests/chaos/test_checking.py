"""The harness sees what it is there to see."""

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from checking import Faults, State, compare, read_state
from crashing import Crash, Record, read_points


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with an out, music, a run of `ostinato run` and a store with one finished run."""
    for name in ("outputs/split.json", "data/a.mid", "outputs/runs/day/time/model/weights"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("whole")
    (tmp_path / "outputs/runs/day/time/evaluation").mkdir()
    (tmp_path / "outputs/runs/day/time/evaluation/metrics.json").write_text("{}")
    (tmp_path / "outputs/mlflow").mkdir()
    with closing(sqlite3.connect(tmp_path / "outputs/mlflow/mlflow.db")) as store:
        store.execute("create table runs (run_uuid, status, lifecycle_stage)")
        store.execute("create table metrics (run_uuid, key, step)")
        store.execute("create table params (run_uuid, key, value)")
        store.execute("insert into runs values ('one', 'FINISHED', 'active')")
        store.execute("insert into metrics values ('one', 'train_nats', 17)")
        store.commit()
    return tmp_path


def faults_of(project: Path, undisturbed: State, jobs: int = 0) -> Faults:
    nothing = State(undisturbed.paths, {}, {}, undisturbed.tracked)
    return compare(read_state(project), nothing, undisturbed, nothing, jobs)


def execute(project: Path, statement: str) -> None:
    with closing(sqlite3.connect(project / "outputs/mlflow/mlflow.db")) as store:
        store.execute(statement)
        store.commit()


def test_a_project_that_is_as_expected_has_no_faults(project: Path) -> None:
    assert not faults_of(project, read_state(project)).all()


@pytest.mark.parametrize(
    "name",
    ["data/.fetch.x/a.mid", "outputs/.split.json.1.part", "outputs/runs/day/time/.model.1.old"],
)
def test_what_is_left_is_seen(name: str, project: Path) -> None:
    undisturbed = read_state(project)
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).touch()
    faults = faults_of(project, undisturbed)
    assert faults.remains
    assert not faults.different


@pytest.mark.parametrize(
    "name", ["data/a.mid", "outputs/split.json", "outputs/runs/day/time/model/weights"]
)
@pytest.mark.parametrize("gone", [False, True])
def test_other_bytes_and_missing_files_are_seen(name: str, gone: bool, project: Path) -> None:
    undisturbed = read_state(project)
    if gone:
        (project / name).unlink()
    else:
        (project / name).write_text("half")
    assert faults_of(project, undisturbed).different


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("update runs set status = 'RUNNING'", "running"),
        ("insert into runs values ('two', 'FINISHED', 'active')", "running"),
        ("delete from runs", "different"),
        ("update metrics set step = 35", "different"),
    ],
)
def test_runs_left_doubled_lost_or_with_other_curves_are_seen(
    statement: str, fault: str, project: Path
) -> None:
    undisturbed = read_state(project)
    execute(project, statement)
    assert getattr(faults_of(project, undisturbed), fault)


def test_a_process_is_ended_before_the_operation_that_was_asked_for(tmp_path: Path) -> None:
    def work() -> None:
        (tmp_path / "one").write_text("1")
        (tmp_path / "two").write_text("2")
        (tmp_path / "two").rename(tmp_path / "three")

    def ended(first: Crash | Record) -> int:
        child = os.fork()
        if not child:
            first()
            work()
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    places = (f"{tmp_path}/",)
    record = tmp_path.parent / "points"
    assert ended(Record(places, record)) == 0
    kinds = [point.words.split()[0] for point in read_points(record, 0.0)]
    assert kinds == ["open", "open", "os.rename"]
    (tmp_path / "three").unlink()
    assert ended(Crash(places, 1)) == -signal.SIGKILL
    assert {p.name for p in tmp_path.iterdir()} == {"one"}
    assert ended(Crash(places, 1, emptied=True)) == -signal.SIGKILL
    assert (tmp_path / "two").read_text() == ""
    assert ended(Crash(places, 2)) == -signal.SIGKILL
    assert {p.name for p in tmp_path.iterdir()} == {"one", "two"}

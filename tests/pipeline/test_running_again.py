"""A run is made again in a fresh clone: the same bytes, or a sentence that says what differs."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest

from mlflow_servers import Server
from ostinato.config import Config
from projects import commit, refused, run

TINY = (
    "debug=smoke",
    "model=gru",
    "model.size=tiny",
    "training.max_pieces=8",
    "seed=7",
)
SAME = "the same weights and samples as "


def weights_of(folder: Path) -> str:
    return hashlib.sha256((folder / "model" / "weights.safetensors").read_bytes()).hexdigest()


def samples_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (folder / "samples").iterdir() if p.is_file()}


def runs_of(project: Path) -> list[Path]:
    return sorted((project / "outputs" / "runs").glob("*/*"))


def make_repository(project: Path) -> None:
    (project / ".gitignore").write_text("/outputs/\n.ostinato-tmp/\n")
    run(project, "git", "init", "-q")
    for key, value in (("name", "A Tester"), ("email", "tester@example.org")):
        run(project, "git", "config", f"user.{key}", value)
    commit(project, "a corpus")


def clone(project: Path, name: str) -> Path:
    folder = project.parent / name
    run(project, "git", "clone", "-q", str(project), str(folder))
    for key, value in (("name", "Another"), ("email", "another@example.org")):
        run(folder, "git", "config", f"user.{key}", value)
    return folder


@pytest.fixture(scope="module")
def first(project_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which a tiny model was trained: read only."""
    project = tmp_path_factory.mktemp("again") / "project"
    shutil.copytree(project_template, project)
    make_repository(project)
    run(project, "ostinato", "run", *TINY)
    return project


def run_id_of(folder: Path) -> str:
    [found] = json.loads((folder / "mlflow_runs.json").read_text()).values()
    return str(found)


@pytest.mark.slow
def test_the_same_bytes_come_out_in_a_fresh_clone(first: Path) -> None:
    [earlier] = runs_of(first)
    fresh = clone(first, "fresh")
    done = run(fresh, "ostinato", "run", "--from", str(earlier))
    [made] = runs_of(fresh)
    assert weights_of(made) == weights_of(earlier)
    assert samples_of(made) == samples_of(earlier)
    assert f"{SAME}{earlier}, byte for byte" in done.stdout
    assert "not as" not in done.stderr
    noted = json.loads((made / "provenance.json").read_text())
    assert noted == json.loads((earlier / "provenance.json").read_text())
    assert noted["weights"] == weights_of(made)
    assert len(noted["commit"]) == 40


@pytest.mark.slow
def test_a_file_does_without_a_server_and_overrides_go_on_top(first: Path) -> None:
    [earlier] = runs_of(first)
    text = run(first, "ostinato", "config", "export", str(earlier)).stdout
    by_id = run(first, "ostinato", "config", "export", run_id_of(earlier)).stdout
    assert by_id == text
    assert str(first) not in text
    assert str(Path.home()) not in text
    other = clone(first, "other")
    (other / "shared.yaml").write_text(text)
    words = ("training.epochs=1", "tracking=off")
    done = run(other, "ostinato", "run", "--config", "shared.yaml", *words)
    [made] = runs_of(other)
    assert weights_of(made) != weights_of(earlier)
    changed = "training.epochs=1 (there 2)"
    assert f"not as shared.yaml: {changed}\n" in done.stderr
    assert f"other weights and samples than shared.yaml: {changed}\n" in done.stderr
    composed = (made / "config.yaml").read_text()
    assert "seed: 7\n" in composed
    assert "epochs: 1\n" in composed


@pytest.mark.slow
def test_what_differs_of_commit_files_and_data_is_said(first: Path) -> None:
    [earlier] = runs_of(first)
    changed = clone(first, "changed")
    file = sorted((changed / "data" / "bach").iterdir())[0]
    file.unlink()
    commit(changed, "a piece less")
    with (changed / "conf" / "model" / "gru.yaml").open("a") as opened:
        opened.write("# a comment\n")
    run_id = run_id_of(earlier)
    store = f"tracking.uri=sqlite:///{first}/outputs/mlflow/mlflow.db"
    done = run(changed, "ostinato", "run", "--from", run_id, store)
    commits = r"commit [0-9a-f]{12} \(there [0-9a-f]{12}\), changed file conf/model/gru\.yaml"
    assert re.search(rf"not as gru-voices-bach-smoke.* \({run_id}\): {commits}\n", done.stderr)
    data = r"pieces with the hash [0-9a-f]{16} \(there [0-9a-f]{16}\), split with the hash"
    assert re.search(rf"not as .*: {data}", done.stderr)
    assert re.search(rf"other weights and samples than .*: {commits}, {data}", done.stderr)
    # of the two runs of that name now, neither is guessed
    sentence = refused(changed, "run", "--from", _name(first, run_id), store, code=2)
    assert "2 runs are called gru-voices-bach-smoke" in sentence


def _name(project: Path, run_id: str) -> str:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{project}/outputs/mlflow/mlflow.db")
    return str(client.get_run(run_id).info.run_name)


@pytest.mark.slow
def test_other_versions_and_another_machine_are_named(first: Path) -> None:
    [earlier] = runs_of(first)
    copy = Path(shutil.copytree(earlier, first.parent / "copied-run"))
    noted = json.loads((copy / "provenance.json").read_text())
    noted["versions"]["torch"] = "2.0.0"
    noted["machine"]["processor"] = "x86_64 another"
    noted["weights"] = "0" * 64
    (copy / "provenance.json").write_text(json.dumps(noted))
    fresh = clone(first, "versions")
    done = run(fresh, "ostinato", "run", "--from", str(copy), "tracking=off")
    assert f"the same samples as {copy}, byte for byte" in done.stdout
    named = r"torch \S+ \(there 2\.0\.0\), processor .* \(there x86_64 another\)\n"
    assert re.search(f"not as {copy}: {named}", done.stderr)
    assert re.search(f"other weights than {copy}: {named}", done.stderr)


@pytest.mark.slow
def test_a_sweep_begins_from_an_earlier_run(first: Path) -> None:
    [earlier] = runs_of(first)
    fresh = clone(first, "sweep")
    words = ("-m", "seed=7,8", "training.epochs=1", "tracking=off")
    run(fresh, "ostinato", "run", "--from", str(earlier), *words)
    jobs = sorted((fresh / "outputs" / "sweeps").glob("*/*/[0-9]"))
    assert len(jobs) == 2
    assert len({weights_of(job) for job in jobs}) == 2
    for job in jobs:
        config = Config.load(job / "config.yaml")
        assert config["model"] == Config.load(earlier / "config.yaml")["model"]
        assert config["training.epochs"] == 1


@pytest.mark.slow
def test_a_run_of_a_server_is_made_again(first: Path, server: Server) -> None:
    uri, process = server
    of_server = f"tracking.uri={uri}"
    team = clone(first, "team")
    run(team, "ostinato", "run", *TINY, of_server)
    [earlier] = runs_of(team)
    page = f"{uri}/#/experiments/1/runs/{run_id_of(earlier)}"
    fresh = clone(first, "of-a-server")
    done = run(fresh, "ostinato", "run", "--from", page, "tracking=off")
    [made] = runs_of(fresh)
    assert weights_of(made) == weights_of(earlier)
    assert SAME in done.stdout
    assert "not as" not in done.stderr
    named = re.findall(r"^again: (.+) \([0-9a-f]{32}\)$", done.stdout, re.MULTILINE)
    text = run(fresh, "ostinato", "config", "export", *named, of_server).stdout
    assert uri not in text
    assert weights_of(made) in text
    process.terminate()
    process.wait(60)
    assert "does not answer" in refused(fresh, "run", "--from", page)

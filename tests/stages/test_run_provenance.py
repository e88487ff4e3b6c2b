"""What a run was made with is noted, and what of it differs is named."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ostinato.stages.commit import read_changed_files, read_commit
from ostinato.stages.compose import compose_config
from ostinato.stages.result_hashes import hash_samples, hash_weights
from ostinato.stages.run_provenance import (
    FILE,
    Provenance,
    name_differences,
    name_unknown,
    read_provenance,
    with_results,
)
from ostinato.stages.workspace import Workspace
from projects import commit, run

KNOWN = Provenance(
    commit="a" * 40,
    changed_files={"conf/model/gru.yaml": "1"},
    code="c",
    pieces="p",
    split="s",
    versions={"python": "3.11.7", "torch": "2.13.0"},
    machine={"system": "Linux", "threads": "2"},
)


@pytest.fixture
def repository(project: Path) -> Path:
    """The project, all of it in git."""
    (project / ".gitignore").write_text("/outputs/cache/\n")
    run(project, "git", "init", "-q")
    for key, value in (("name", "A Tester"), ("email", "tester@example.org")):
        run(project, "git", "config", f"user.{key}", value)
    commit(project, "as it is")
    return project


def test_files_that_differ_from_the_commit_are_named(repository: Path) -> None:
    assert read_changed_files(repository) == {}
    (repository / "params.yaml").write_text("experiment: null\n")
    (repository / "conf" / "model" / "rnn.yaml").unlink()
    (repository / "new.py").write_text("")
    assert list(read_changed_files(repository)) == ["conf/model/rnn.yaml", "params.yaml"]
    assert read_changed_files(repository)["conf/model/rnn.yaml"] == "removed"
    run(repository, "git", "add", "-A")
    assert "new.py" in read_changed_files(repository)


def test_results_and_guides_make_no_other_run(repository: Path) -> None:
    for name in (
        "outputs/config.yaml",
        "docs/page.md",
        "tests/test_it.py",
        "dvc.lock",
        "README.md",
    ):
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text("1")
    commit(repository, "more")
    for name in (
        "outputs/config.yaml",
        "docs/page.md",
        "tests/test_it.py",
        "dvc.lock",
        "README.md",
    ):
        (repository / name).write_text("2")
    assert read_commit(repository).changed
    assert read_changed_files(repository) == {}


def test_a_project_outside_of_git_has_no_commit(project: Path) -> None:
    config = compose_config(["debug=smoke"], project)
    found = read_provenance(config, Workspace(project, project / "outputs"))
    assert (found.commit, found.changed_files) == ("", {})
    assert (found.pieces, found.split) == ("", "")
    assert found.versions["torch"]
    assert found.machine["threads"]
    assert re.fullmatch("[0-9a-f]{16}", found.code)


def test_no_path_of_the_machine_is_noted(repository: Path) -> None:
    config = compose_config([], repository)
    text = json.dumps(read_provenance(config, Workspace(repository, repository)).tree())
    assert str(Path.home()) not in text
    assert str(repository) not in text


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    KNOWN.write(tmp_path)
    assert Provenance.read(tmp_path) == KNOWN
    (tmp_path / FILE).write_text("{")
    assert Provenance.read(tmp_path) is None
    assert Provenance.read(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    "tree", [None, 3, {"commit": 3}, {"versions": [1]}, {"machine": {"a": {}, "b": None}}]
)
def test_what_is_of_another_type_is_not_known(tree: object) -> None:
    assert Provenance.of(tree) == Provenance()


def test_what_a_terminal_would_obey_is_not_read() -> None:
    found = Provenance.of({"commit": "\x1b[31m", "versions": {"\x07torch": "2\n"}})
    assert found == Provenance(commit=" [31m", versions={" torch": "2 "})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, []),
        ({"commit": "b" * 40}, ["commit bbbbbbbbbbbb (there aaaaaaaaaaaa)"]),
        ({"commit": ""}, ["commit none (there aaaaaaaaaaaa)"]),
        ({"changed_files": {}}, ["changed file conf/model/gru.yaml"]),
        (
            {"changed_files": {"conf/model/gru.yaml": "2", "params.yaml": "1"}},
            ["changed files conf/model/gru.yaml, params.yaml"],
        ),
        ({"code": "d"}, ["source files that git does not list"]),
        ({"code": "d", "commit": "b" * 40}, ["commit bbbbbbbbbbbb (there aaaaaaaaaaaa)"]),
        ({"pieces": "q"}, ["pieces with the hash q (there p)"]),
        ({"split": "t"}, ["split with the hash t (there s)"]),
        ({"pieces": "", "split": ""}, []),
        (
            {"versions": {"python": "3.11.7", "torch": "2.14.0"}},
            ["torch 2.14.0 (there 2.13.0)"],
        ),
        ({"versions": {"python": "3.11.7"}}, ["torch none (there 2.13.0)"]),
        ({"machine": {"system": "Linux", "threads": "4"}}, ["threads 4 (there 2)"]),
    ],
)
def test_what_differs_is_named(changes: dict[str, object], sentence: list[str]) -> None:
    assert name_differences(KNOWN, replace(KNOWN, **changes)) == sentence  # type: ignore[arg-type]


def test_what_was_not_recorded_is_no_difference() -> None:
    assert name_differences(Provenance(), KNOWN) == []
    assert name_unknown(Provenance()) == ["commit", "data", "library versions", "machine"]
    assert name_unknown(KNOWN) == []


def test_hashes_are_of_the_bytes(tmp_path: Path) -> None:
    model, samples = tmp_path / "model", tmp_path / "samples"
    assert with_results(KNOWN, model, samples) == KNOWN
    model.mkdir()
    samples.mkdir()
    (model / "weights.safetensors").write_bytes(b"weights")
    (samples / "sample-01.mid").write_bytes(b"music")
    (samples / "sampling.json").write_text("1")
    before = hash_samples(samples)
    assert run(tmp_path, "sha256sum", "model/weights.safetensors").stdout[:64] == hash_weights(
        model
    )
    (samples / "sampling.json").write_text("2")
    assert hash_samples(samples) == before
    shutil.move(samples / "sample-01.mid", samples / "sample-02.mid")
    assert hash_samples(samples) != before

"""Searches by Optuna: seeded, continued, pruned, and with several objectives."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_sweeps import TINY, before_call, figures, sweeps, words_of

from forked import run
from ostinato import scratch
from ostinato.stages import sweep_job
from ostinato.sweeps.manifest import Manifest
from ostinato.sweeps.results import list_results

SEARCH = (
    *("run", "-m", "hydra/sweeper=optuna", "hydra.sweeper.n_jobs=1", *TINY),
    *("hydra.sweeper.sampler.seed=1", "hydra.sweeper.sampler.n_startup_trials=2"),
    *("training.learning_rate=tag(log,interval(0.0003,0.1))", "tracking=off"),
)
PRUNED = ("sweep.prune=true", "sweep.prune_after_trials=2", "training.epochs=4")
FOUR = "hydra.sweeper.n_trials=4"


@pytest.fixture(scope="module")
def template(project_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with encoded pieces, and in `whole` a search that nothing disturbed."""
    folder = tmp_path_factory.mktemp("searched") / "project"
    shutil.copytree(project_template, folder)
    assert run(folder, *SEARCH, *PRUNED, FOUR) == 0, words_of(folder)
    [sweep] = folder.glob("outputs/sweeps/*/*")
    shutil.move(sweep, folder / "whole")
    shutil.rmtree(folder / "outputs" / "sweeps")
    words_of(folder)
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Iterator[Path]:
    folder = Path(shutil.copytree(template, tmp_path / "project"))
    yield folder
    assert not list(folder.rglob(scratch.NAME)), "nothing of ours stays"


def best_of(folder: Path) -> Any:
    return yaml.safe_load((folder / "optimization_results.yaml").read_text())


@pytest.mark.slow
def test_hopeless_trials_end_early(project: Path) -> None:
    rows = figures(project / "whole")
    assert [row["number"] for row in rows] == [0, 1, 2, 3]
    pruned = [row for row in rows if row["state"] == "pruned"]
    assert pruned, "of four trials one falls behind the first two"
    assert all(row["epochs"] < 4 for row in pruned)
    assert all(row["error"].startswith("ended by the search after epoch") for row in pruned)
    finished = [row for row in rows if row["state"] == "finished"]
    assert best_of(project / "whole")["best_value"] == min(row["score"] for row in finished)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "name"), [(2, "_run"), (3, "finish_stages"), (4, "_score")])
def test_a_search_that_was_killed_ends_as_one_that_was_not(
    project: Path, count: int, name: str
) -> None:
    words = (*SEARCH, *PRUNED, FOUR)
    assert run(project, *words, first=before_call(count, sweep_job, name)) < 0
    assert run(project, *words) == 0, words_of(project)
    assert "continuing the sweep" in words_of(project)
    [folder] = sweeps(project)
    assert figures(folder) == figures(project / "whole")
    assert best_of(folder) == best_of(project / "whole")


@pytest.mark.slow
def test_the_number_of_trials_is_that_of_all_starts(project: Path) -> None:
    assert run(project, *SEARCH, "hydra.sweeper.n_trials=1") == 0
    [folder] = sweeps(project)
    named = f"hydra.sweep.dir={folder.relative_to(project)}"
    words_of(project)
    assert run(project, *SEARCH, "hydra.sweeper.n_trials=2", named) == 2
    assert "hydra.sweeper.n_trials 1 -> 2" in words_of(project)
    assert run(project, *SEARCH, "hydra.sweeper.n_trials=2", "sweep.extend=true") == 0
    assert [row["number"] for row in list_results(folder)] == [0, 1]
    manifest = Manifest.read(folder)
    assert manifest is not None
    assert manifest.trials == 2
    assert manifest.finished


@pytest.mark.slow
def test_several_objectives_give_the_trials_that_no_other_beats(project: Path) -> None:
    two = ("sweep.objectives=[score,minutes]", "hydra.sweeper.n_trials=2", "training.epochs=1")
    assert run(project, *SEARCH, *two) == 2
    assert "give a direction for each" in words_of(project)
    assert run(project, *SEARCH, *two, "hydra.sweeper.direction=[minimize,minimize]") == 0
    [folder] = sweeps(project)
    solutions = best_of(folder)["solutions"]
    assert solutions
    assert all(len(solution["values"]) == 2 for solution in solutions)
    assert run(project, *SEARCH, *two, "sweep.prune=true") == 2
    assert "prune=true needs a single objective" in words_of(project)


@pytest.mark.slow
def test_a_failed_trial_does_not_stop_a_search(project: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError("by nought")

    first = before_call(1, sweep_job, "_run", fail)
    assert run(project, *SEARCH, "hydra.sweeper.n_trials=2", first=first) == 1
    [folder] = sweeps(project)
    assert [row["state"] for row in list_results(folder)] == ["failed", "finished"]

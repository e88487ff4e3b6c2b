"""Sweeps are found again by their command, and their jobs by what makes their figures."""

from dataclasses import replace
from pathlib import Path

import pytest

from ostinato.config import compose
from ostinato.errors import ConfigError
from ostinato.stages.run_folder import own_folder
from ostinato.stages.sweep import find_earlier
from ostinato.sweeps.jobs import FINISHED, RECORD, JobRecord, Origin, Reached
from ostinato.sweeps.manifest import Job, Manifest, find_related, find_unfinished, name_command
from ostinato.sweeps.origins import list_changes, origin_of
from ostinato.sweeps.plots import draw_sweep
from ostinato.sweeps.results import Row, list_results, name_varied
from ostinato.sweeps.settings import SweepSettings, sweep_settings

CONF = Path(__file__).parents[2] / "conf"
ORIGIN = Origin("config", "code", "data")
WORDS = ("seed=1,2", "model=gru")


def settings(**changes: bool) -> SweepSettings:
    plain = SweepSettings(False, False, False, ["score"], False, 25, 5, 1)
    return replace(plain, **changes)


def write(root: Path, time: str, words: tuple[str, ...], state: str) -> Path:
    folder = root / "outputs" / "sweeps" / "2026-01-02" / time
    jobs = tuple(Job(n, (f"seed={n + 1}", "model=gru"), ORIGIN, str(n)) for n in range(2))
    Manifest(name_command(words), jobs, state=state).write(folder)
    return folder


def test_a_command_is_known_by_what_it_sweeps_and_not_by_how_it_runs() -> None:
    how = ("-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "sweep.extend=true")
    assert name_command([*WORDS, *how]) == name_command(["model=gru", "seed=1,2"])
    assert name_command(WORDS) != name_command(["seed=1,2,3", "model=gru"])
    assert name_command(["hydra/sweeper=optuna"]), "a search is not a grid"


def test_the_newest_sweep_that_has_not_ended_is_gone_on_with(tmp_path: Path) -> None:
    write(tmp_path, "10-00-00", WORDS, "running")
    newer = write(tmp_path, "11-00-00", WORDS, "failed")
    write(tmp_path, "12-00-00", WORDS, "finished")
    write(tmp_path, "13-00-00", ("seed=1,2", "model=rnn"), "running")
    assert find_unfinished(tmp_path, name_command(WORDS))[0] == newer
    assert find_earlier(tmp_path, WORDS, settings())[0] == newer
    assert find_earlier(tmp_path, WORDS, settings(new=True)) == []
    assert find_earlier(tmp_path, [*WORDS, "hydra.sweep.dir=mine"], settings()) == []
    grown = name_command(("seed=1,2,3", "model=lstm"))
    assert find_related(tmp_path, grown)[0].name == "13-00-00"
    with pytest.raises(ConfigError, match="no sweep over these keys"):
        find_earlier(tmp_path, ["seed=1,2"], settings(extend=True))


def test_a_sweep_in_which_a_process_works_is_left_to_it(tmp_path: Path) -> None:
    folder = write(tmp_path, "10-00-00", WORDS, "running")
    with own_folder(["-m"], CONF, tmp_path, True, [folder]) as mine:
        assert mine[-1].endswith("10-00-00'")
        with own_folder(["-m"], CONF, tmp_path, True, [folder]) as other:
            assert other != mine
    with own_folder(["-m"], CONF, tmp_path, True, [folder]) as again:
        assert again == mine
    assert [path.name for path in folder.iterdir()] == ["sweep.json"]


def test_records_come_back_and_what_is_no_record_is_none(tmp_path: Path) -> None:
    record = JobRecord(3, ORIGIN, FINISHED, "abc", "run", Reached(1.5, 0.1, 20.0, 2))
    record.write(tmp_path)
    assert JobRecord.read(tmp_path) == record
    assert record.is_done(ORIGIN)
    assert not record.is_done(replace(ORIGIN, code="other"))
    assert not JobRecord(3, None, FINISHED).is_done(None)
    for text in ("", "{}", "[]", '{"number": 1}'):
        (tmp_path / RECORD).write_text(text)
        assert JobRecord.read(tmp_path) is None


def test_a_job_without_a_record_was_not_begun(tmp_path: Path) -> None:
    folder = write(tmp_path, "10-00-00", WORDS, "running")
    (folder / "0").mkdir()
    JobRecord(0, ORIGIN, FINISHED, reached=Reached(2.0, 0.5, 9.0, 4)).write(folder / "0")
    first, second = list_results(folder)
    assert (first["state"], first["score"], first["epochs"]) == ("finished", 2.0, 4)
    assert (second["state"], second["score"]) == ("not begun", None)
    assert name_varied([first, second]) == ["seed=1", "seed=2"]


def test_what_makes_no_figure_does_not_make_another_job(tmp_path: Path) -> None:
    plain = compose(["model=gru"], CONF)
    plain.save(tmp_path / "config.yaml")
    workers = compose(["model=gru", "preprocess.processes=7"], CONF)
    other = compose(["model=gru", "training.epochs=7"], CONF)
    assert origin_of(plain, lambda _: "") == origin_of(workers, lambda _: "")
    assert origin_of(plain, lambda _: "").config != origin_of(other, lambda _: "").config
    assert list_changes(tmp_path / "config.yaml", workers) == []
    epochs = plain["training.epochs"]
    assert f"training.epochs {epochs} -> 7" in list_changes(tmp_path / "config.yaml", other)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"new": True, "extend": True}, "give one"),
        ({"objectives": ["score", "score"]}, "names one twice"),
        ({"objectives": ["loss"]}, "sweep.objectives"),
        ({"objectives": []}, "sweep.objectives"),
        ({"objectives": ["score", "minutes"], "prune": True}, "a single objective"),
        ({"prune_after_trials": 0}, "sweep.prune_after_trials=0"),
        ({"prune_percentile": 0}, "sweep.prune_percentile=0"),
        ({"mine": 1}, "sweep.mine is unknown"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes: dict[str, object], sentence: str) -> None:
    import yaml

    node = yaml.safe_load((CONF / "config.yaml").read_text())["sweep"]
    assert sweep_settings(node) == settings()
    with pytest.raises(ConfigError, match=sentence):
        sweep_settings({**node, **changes})
    with pytest.raises(ConfigError, match="sweep is missing"):
        sweep_settings(None)


def test_pictures_are_drawn_of_jobs_that_differ(tmp_path: Path) -> None:
    def row(number: int, *words: str, state: str = FINISHED) -> Row:
        return {"state": state, "score": 1.0 - 0.1 * number, "overrides": [*words, "debug=smoke"]}

    assert draw_sweep([row(0, "seed=1")], tmp_path) == []
    assert draw_sweep([row(0, "seed=1"), row(1, "seed=2", state="failed")], tmp_path) == []
    jobs = [
        row(n, f"model={model}", f"training.learning_rate={rate}")
        for n, (model, rate) in enumerate([("rnn", 0.001), ("gru", 0.1), ("gru", 0.001)])
    ]
    pictures = draw_sweep(jobs, tmp_path)
    assert [picture.name for picture in pictures] == ["parallel_coordinates.png", "slices.png"]
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)

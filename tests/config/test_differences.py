"""Runs are named by what tells them apart."""

from pathlib import Path

import pytest

from ostinato.config import compose
from ostinato.config.differences import find_differences, name_run

CONF = Path(__file__).parents[2] / "conf"


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "lstm-voices-bach"),
        (["seed=2"], "lstm-voices-bach-seed2"),
        (["model=gru"], "gru-voices-bach"),
        (["model=gru", "seed=3"], "gru-voices-bach-seed3"),
        (
            ["model=gru", "training.learning_rate=0.001"],
            "gru-voices-bach-learning_rate0.001",
        ),
        (["model=gru", "training.epochs=2", "seed=1"], "gru-voices-bach-seed1-epochs2"),
        (["training.transpose=[-2,3]"], "lstm-voices-bach-transpose-2,3"),
        (["experiment=bach_gan", "model.bars=4"], "gan-voices-bach-bars4"),
        (["debug=smoke"], "lstm-voices-bach-smoke"),
        (["debug=smoke", "training.epochs=7"], "lstm-voices-bach-smoke-epochs7"),
        (["corpus=folder", "corpus.name=jazz", "representation=event"], "lstm-event-jazz"),
        (["sampling.temperature=0.5", "tracking.experiment=mine"], "lstm-voices-bach"),
        (
            ["model=gru", "representation=pianoroll", "model/frame_head=bernoulli"],
            "gru-pianoroll-bach-bernoulli-dropout0.1",
        ),
    ],
)
def test_a_run_is_named_by_its_parts_and_what_was_changed(overrides: list[str], name: str) -> None:
    config = compose(overrides, CONF)
    assert name_run(config, find_differences(config, CONF)) == name


def test_of_many_changes_three_are_named_and_the_others_counted() -> None:
    changes = ("epochs=2", "batch_size=8", "window=32", "learning_rate=0.5", "warmup=0.3")
    config = compose([f"training.{change}" for change in changes], CONF)
    differences = find_differences(config, CONF)
    assert set(differences) == {f"training.{change.partition('=')[0]}" for change in changes}
    name = name_run(config, differences)
    assert name.endswith(" and 2 more")
    assert len(name) <= 100

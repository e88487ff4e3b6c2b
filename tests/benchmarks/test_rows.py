"""Rows of the table, and which results are a row's own."""

import shlex

import pytest
from rows import read_rows
from run import composed, main

from ostinato.config import compose
from ostinato.stages.run import is_that_row

ROW = "jsb_rnn_bernoulli"


def kept(*overrides: str, corpus: str | None = None) -> bool:
    return is_that_row(ROW, composed(ROW, corpus), composed(ROW, corpus, overrides), {"test": 1.5})


def test_a_row_with_other_settings_is_not_that_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert not kept("training.epochs=1", "model=gru")
    assert not kept("corpus=nottingham")
    told = capsys.readouterr()
    assert '"test": 1.5' in told.out
    assert f"not kept: {ROW} has other settings for model and training." in told.err


def test_seed_corpus_and_what_is_composed_leave_a_row_what_it_is() -> None:
    assert kept("seed=2", "tracking=off", "sampling.pieces=2", corpus="nottingham")


def test_a_row_that_there_is_not_is_refused_in_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["run.py", "jsb_rnn_bernouli"])
    assert main() != 0
    sentence = capsys.readouterr().err
    assert sentence.startswith("likelihood: ROW=jsb_rnn_bernouli is unknown: did you mean jsb_rnn_")
    assert all(row in sentence for row in read_rows())


def test_the_command_of_a_row_trains_what_the_row_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["run.py", "nottingham_tcn_bernoulli", "--command"])
    assert main() == 0
    command = shlex.split(capsys.readouterr().out)
    assert command[:2] == ["ostinato", "run"]
    keys = [word.partition("=")[0] for word in command[2:]]
    assert len(keys) == len(set(keys))
    assert compose(command[2:]).tree == composed("nottingham_tcn_bernoulli", None).tree

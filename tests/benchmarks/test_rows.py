"""Which results are a row's own."""

import pytest
from run import composed

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

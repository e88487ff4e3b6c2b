"""Which results are a row's own."""

from run import changed


def test_a_row_with_other_settings_is_not_that_row() -> None:
    assert changed("jsb_rnn_bernoulli", None, ["training.epochs=1"]) == ["training"]
    assert changed("jsb_rnn_bernoulli", None, ["model=gru"]) == ["model"]


def test_seed_corpus_and_what_is_composed_leave_a_row_what_it_is() -> None:
    others = ["seed=2", "tracking=off", "sampling.pieces=2"]
    assert not changed("jsb_rnn_bernoulli", "nottingham", others)

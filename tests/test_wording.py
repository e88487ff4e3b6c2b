"""Numbers agree with their nouns and verbs."""

import pytest

from ostinato.wording import agree, quantity


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 pieces"), (1, "1 piece"), (2, "2 pieces"), (40, "40 pieces")]
)
def test_one_is_no_plural(number: int, expected: str) -> None:
    assert quantity(number, "piece") == expected


def test_plurals_that_need_more_than_an_s() -> None:
    assert quantity(2, "class", "classes") == "2 classes"
    assert quantity(1, "class", "classes") == "1 class"


def test_verbs_agree() -> None:
    assert (agree(1, "is", "are"), agree(0, "is", "are")) == ("is", "are")

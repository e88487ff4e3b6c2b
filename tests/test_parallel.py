import os

from defaults import build


def square_or_die(number: int) -> int:
    if number in (7, 30):
        os._exit(1)
    return number * number


def crashed(number: int) -> int:
    return -number


def test_a_process_that_dies_costs_one_item_and_nothing_else() -> None:
    results = list(build("preprocess=loky", processes=2).map(square_or_die, range(40), crashed))
    assert results == [-n if n in (7, 30) else n * n for n in range(40)]


def test_one_process_and_two_give_the_same_in_the_same_order() -> None:
    alone, together = (
        list(build("preprocess=loky", processes=n).map(str, range(50), str)) for n in (1, 2)
    )
    assert alone == together == list(map(str, range(50)))

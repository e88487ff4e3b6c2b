"""Numbers in sentences: 1 piece, 2 pieces."""


def quantity(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, in the plural (with an s unless `plural` is given) but for 1.

    A noun of several words is quantity by the last: `quantity(2, "test piece")`.
    """
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def agree(number: int, singular: str, plural: str) -> str:
    """Return the word, a verb say, that goes with so many."""
    return singular if number == 1 else plural

"""Followers of a batch of sequences, of which rows can be taken."""

from copy import copy
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray


class Batched:
    """Holds, of each of a batch of sequences, one row of every array that `of_rows` names.

    `of_rows` may also name attributes that are `Batched` themselves, and those that are None.
    """

    of_rows: ClassVar[tuple[str, ...]]

    def select(self, rows: NDArray[np.integer[Any]]) -> Self:
        """Return a copy that follows the sequences numbered `rows`, (batch of the copy,).

        A number may come several times: from there on its copies grow on their own.
        """
        selected = copy(self)
        for name in self.of_rows:
            value = getattr(self, name)
            if isinstance(value, Batched):
                setattr(selected, name, value.select(rows))
            elif value is not None:
                setattr(selected, name, value[rows])
        return selected

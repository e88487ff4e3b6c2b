"""Arrays of arrays in an .npz file, read without running code that the file might carry."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HARMLESS = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
}


class _Arrays(pickle.Unpickler):
    """A reader of pickles that knows arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in HARMLESS:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, where arrays are expected")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def object_arrays(file: Path, key: str) -> NDArray[Any]:
    """Return an array of dtype object under `key` of an .npz file that Python 2 or 3 wrote.

    Raises `KeyError`, `ValueError` or `pickle.UnpicklingError` where it is not one.
    """
    with zipfile.ZipFile(file) as archive, archive.open(f"{key}.npy") as member:
        if np.lib.format.read_magic(member) != (1, 0):
            raise ValueError(f"{key} is in a form of NumPy's that is not known")
        _, _, dtype = np.lib.format.read_array_header_1_0(member)
        if dtype != np.dtype(object):
            raise ValueError(f"{key} holds {dtype}, where arrays are expected")
        arrays: NDArray[Any] = _Arrays(member, encoding="latin1").load()
    return arrays

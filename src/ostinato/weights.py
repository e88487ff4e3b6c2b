"""Files of weights: what they hold, without reading a weight."""

from pathlib import Path

from ostinato.errors import UserError
from ostinato.untrusted import MIB, check_regular

WEIGHTS = "weights.safetensors"
MOST = 10_000  # tensors
LARGEST_HEADER = 8 * MIB  # bytes; a thousand tensors take a tenth of one
LARGEST = 2**44  # bytes; less than this is compared with the memory there is
Shape = tuple[int, ...]


def weight_shapes(path: Path) -> dict[str, Shape]:
    """Return the shape of each tensor in a safetensors file; reads none of them.

    Raises `UserError` for a file that is none, or that would fill the memory.
    """
    from safetensors import SafetensorError, safe_open

    size = check_regular(path, LARGEST)
    check_memory(size, path)
    if (header := _header_length(path)) > LARGEST_HEADER:
        raise _unfit(path, f"its header has {header:,} bytes")
    try:
        with safe_open(path, framework="numpy") as file:
            names = file.keys()
            if len(names) > MOST:
                raise _unfit(path, f"it has {len(names):,} tensors, and up to {MOST:,} are read")
            return {name: tuple(file.get_slice(name).get_shape()) for name in names}
    except (SafetensorError, OSError, ValueError) as error:
        raise _unfit(path, " ".join(str(error).split())[:200]) from error


def check_memory(size: int, path: Path) -> None:
    """Raise `UserError` where so many bytes of weights, twice, are more than the free memory."""
    import psutil

    free = psutil.virtual_memory().available
    if 2 * size > free:
        raise UserError(
            f"the weights in {path} take {size / MIB:,.0f} MiB, twice while they are read, and "
            f"{free / MIB:,.0f} MiB of memory are free."
        )


def _header_length(path: Path) -> int:
    with path.open("rb") as file:
        return int.from_bytes(file.read(8), "little")


def _unfit(path: Path, reason: str) -> UserError:
    return UserError(f"{path} does not fit the model in its config.yaml: {reason}.")

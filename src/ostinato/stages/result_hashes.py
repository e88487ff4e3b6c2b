"""Hashes of what a run makes, by which two runs are compared byte for byte."""

import hashlib
from pathlib import Path

from ostinato.files import fingerprint
from ostinato.weights import WEIGHTS

ABOUT = "sampling.json"  # beside samples; it names the bundle, whose config names files of conf/


def hash_weights(model: Path) -> str:
    """Return the SHA-256 of a bundle's weights in hexadecimal digits; "" where there are none."""
    file = model / WEIGHTS
    if not file.is_file():
        return ""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def hash_samples(folder: Path) -> str:
    """Return the fingerprint of the samples in a folder; "" where there are none."""
    files = sorted(path for path in folder.glob("*") if path.is_file() and path.name != ABOUT)
    return fingerprint(*(part for file in files for part in (file.name, file))) if files else ""

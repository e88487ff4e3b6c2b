"""Artifacts at the root of an MLflow run, where MLflow's page that compares runs finds them.

That page shows the artifacts that the chosen runs have in common, side by side and with players,
but only those at the root.
"""

import tempfile
from pathlib import Path

from ostinato.tracking import Run

FIRST = "sample-01"
COMPRESSION = 0.9  # a minute of sound is about 220 kB, which loads at once


def record_samples(run: Run, folder: Path, page: str) -> None:
    """Record the page of samples, and the first sample as a picture and as MP3."""
    from ostinato.music import sound

    if run.client is None:
        return
    for name in (page, f"{FIRST}.png", f"{FIRST}.mid"):
        if (folder / name).is_file():
            run.artifacts(folder / name, "")
    if (folder / f"{FIRST}.wav").is_file():
        wave, rate = sound.read_wav(folder / f"{FIRST}.wav")
        with tempfile.TemporaryDirectory() as made:
            file = Path(made) / f"{FIRST}.mp3"
            file.write_bytes(sound.mp3_bytes(wave, rate, COMPRESSION))
            run.artifacts(file, "")

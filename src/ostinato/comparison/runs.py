"""Runs of an MLflow store, with what comparing needs of them, from the store alone."""

import csv
import io
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PIECES, CURVES, SAMPLING = "evaluation/pieces.csv", "curves/curves.csv", "samples/sampling.json"
# of runs that were scored on other corpora too
CROSS_CORPUS, CROSS_COUNTS = "evaluation/cross_corpus.csv", "evaluation/cross_corpus.json"
SOUND, MIDI = "sample-01.mp3", "samples/sample-01.mid"
WAVE = "samples/sample-01.wav"  # of runs that were recorded before SOUND was
AT_ONCE = 8  # downloads
MOST_RUNS = 2000


@dataclass(frozen=True)
class PieceScores:
    """Likelihood of each test piece: its name, and arrays of shape (pieces,).

    nats: of the piece; notes, quarters, seconds: its length in each, where it was recorded.
    """

    names: tuple[str, ...]
    nats: NDArray[np.float64]
    notes: NDArray[np.float64]
    quarters: NDArray[np.float64] | None
    seconds: NDArray[np.float64] | None


def _to_scores(rows: Sequence[Mapping[str, str]]) -> PieceScores | None:
    """Return the rows of a table of pieces as arrays; None where it has no likelihoods."""
    if not rows or not {"name", "nats", "notes"} <= rows[0].keys():
        return None

    def column(name: str) -> NDArray[np.float64] | None:
        return np.array([float(row[name]) for row in rows]) if name in rows[0] else None

    nats, notes = column("nats"), column("notes")
    assert nats is not None
    assert notes is not None
    names = tuple(row["name"] for row in rows)
    return PieceScores(names, nats, notes, column("quarters"), column("seconds"))


@dataclass(frozen=True)
class RecordedRun:
    """A run as the store has it. files: the content of artifacts, by their path."""

    id: str
    name: str
    status: str
    started: int
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    files: Mapping[str, bytes]

    @property
    def seed(self) -> str:
        """Return the seed of weights, batches and samples."""
        return self.parameters.get("seed", "")

    @property
    def corpus(self) -> str:
        """Return the name of the corpus."""
        return self.parameters.get("corpus.name", self.tags.get("corpus", "?"))

    @property
    def data(self) -> tuple[str, str]:
        """Return the fingerprints of the pieces and of their split."""
        return self.tags.get("data.pieces", ""), self.tags.get("data.split", "")

    @cached_property
    def scores(self) -> PieceScores | None:
        """Return the likelihood of each test piece; None for a run without likelihoods."""
        return _to_scores(_read_csv(self.files.get(PIECES, b"")))

    @cached_property
    def cross_corpus(self) -> dict[str, PieceScores]:
        """Return the likelihood of test pieces by corpus, as far as the run was scored on several.

        Its own corpus is among them.
        """
        by_corpus: dict[str, list[dict[str, str]]] = {}
        for row in _read_csv(self.files.get(CROSS_CORPUS, b"")):
            by_corpus.setdefault(row["corpus"], []).append(row)
        found = {corpus: _to_scores(rows) for corpus, rows in by_corpus.items()}
        return {corpus: scores for corpus, scores in found.items() if scores is not None}

    @cached_property
    def left_out(self) -> dict[str, Any]:
        """Return counts of what was left out of each test split, by corpus.

        Pieces that the representation cannot hold (`refused`), those that are like a training piece
        (`alike_to_training`), and the notes of the others that it does not write (`losses`). Empty
        for a run that was scored on its own corpus alone.
        """
        found = json.loads(self.files.get(CROSS_COUNTS, b"{}"))
        return {corpus: score.get("left_out", {}) for corpus, score in found.items()}

    @cached_property
    def curves(self) -> list[dict[str, float]]:
        """Return rows of epoch, train and validation; a figure that is missing is left out."""
        rows = _read_csv(self.files.get(CURVES, b""))
        return [{name: float(value) for name, value in row.items() if value} for row in rows]

    @cached_property
    def sampling(self) -> dict[str, Any]:
        """Return how the samples were drawn; empty for a run without samples."""
        text = self.files.get(SAMPLING)
        return dict(json.loads(text)) if text else {}

    @property
    def sound(self) -> bytes:
        """Return the first sample as MP3; nothing for a run without samples."""
        if SOUND in self.files or WAVE not in self.files:
            return self.files.get(SOUND, b"")
        from ostinato.music import sound

        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            file.write(self.files[WAVE])
            file.flush()
            return sound.mp3_bytes(*sound.read_wav(Path(file.name)), compression=0.9)


def runs_by_id(client: "MlflowClient", ids: Sequence[str]) -> "list[Run]":
    """Return runs by their ids, each once.

    Raises `UserError` for an id that the store does not have, and for a deleted run.
    """
    from mlflow.exceptions import MlflowException

    found = []
    for run_id in dict.fromkeys(ids):
        try:
            run = client.get_run(run_id)
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise
            raise UserError(
                f"there is no run {run_id} in the MLflow store: `ostinato ui` shows the runs, "
                "and a run's page its id."
            ) from error
        if run.info.lifecycle_stage != "active":
            raise UserError(f"the run {run_id} was deleted: restore it in MLflow first.")
        found.append(run)
    return found


def search_runs(client: "MlflowClient", experiments: Sequence[str], where: str) -> "list[Run]":
    """Return the runs that MLflow's search language finds, the newest first.

    Raises `UserError` for a search that MLflow cannot read.
    """
    from mlflow.exceptions import MlflowException

    found: list[Run] = []
    token = None
    while len(found) < MOST_RUNS:
        try:
            page = client.search_runs(list(experiments), where, max_results=500, page_token=token)
        except MlflowException as error:
            if error.error_code != "INVALID_PARAMETER_VALUE":
                raise
            reason = " ".join(str(error).split())[:160]
            raise UserError(
                f'--where "{where}" is not in MLflow\'s search language ({reason}): write, for '
                "instance, --where \"params.choices.model = 'gru'\"."
            ) from error
        found += page
        token = page.token
        if not token:
            break
    return found


def load_runs(client: "MlflowClient", runs: "Iterable[Run]") -> list[RecordedRun]:
    """Read the artifacts of runs, several at once; those that a run lacks are left out."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda run: _load(client, run), runs))


def _load(client: "MlflowClient", run: "Run") -> RecordedRun:
    info, data = run.info, run.data
    files = {}
    for path in (PIECES, CROSS_CORPUS, CROSS_COUNTS, CURVES, SAMPLING, MIDI, SOUND):
        if (content := read_artifact(client, run, path)) is not None:
            files[path] = content
    if (
        MIDI in files
        and SOUND not in files
        and (wave := read_artifact(client, run, WAVE)) is not None
    ):
        files[WAVE] = wave
    name, started = info.run_name or info.run_id, info.start_time or 0
    return RecordedRun(
        info.run_id, name, info.status, started, data.params, data.metrics, data.tags, files
    )


def read_artifact(client: "MlflowClient", run: "Run", path: str) -> bytes | None:
    """Return the content of an artifact; None where the run has none of that path."""
    from mlflow.exceptions import MlflowException

    address = urlparse(run.info.artifact_uri)
    if address.scheme == "file":  # without the copy that a download makes
        file = Path(unquote(address.path)) / path
        return file.read_bytes() if file.is_file() else None
    with tempfile.TemporaryDirectory() as folder:
        try:
            return Path(client.download_artifacts(run.info.run_id, path, folder)).read_bytes()
        except (MlflowException, OSError) as error:
            if _is_missing(error):
                return None
            raise


def _is_missing(error: Exception) -> bool:
    """Return whether an error says that there is no such artifact."""
    code = getattr(error, "error_code", "")
    words = str(error)
    missing = "404" in words or "No such" in words or "not found" in words.lower()
    return missing or code == "RESOURCE_DOES_NOT_EXIST"


def _read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"))))

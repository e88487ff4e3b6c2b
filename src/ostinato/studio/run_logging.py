"""Pieces that are kept on the MLflow run of their model."""

import tempfile
from pathlib import Path
from typing import Any

from ostinato.errors import UserError
from ostinato.files import write_text
from ostinato.music.piece import Piece
from ostinato.run_notes import find_run
from ostinato.stages.compose import compose_tracking
from ostinato.stages.workspace import Workspace
from ostinato.studio.exporting import export

FOLDER = "studio"  # of a run's artifacts


def log_piece(
    piece: Piece, name: str, command: str, model: Path, workspace: Workspace
) -> dict[str, Any]:
    """Put a piece as MIDI, sound and picture on the run that trained a model; returns the run.

    A name that the run has already gets a number. Raises `UserError` where no run is known.
    """
    from ostinato.models.bundle import bundle_fingerprint
    from ostinato.music.picture import piano_roll

    tracking = compose_tracking([], workspace.root)
    run = find_run(tracking, workspace.home, model, bundle_fingerprint(model))
    if run.client is None:
        raise UserError("No MLflow run has recorded this model: train it with tracking=local.")
    taken = {Path(file.path).name for file in run.client.list_artifacts(run.id, FOLDER)}
    number, own = 1, name
    while own in taken:
        number += 1
        own = f"{name}-{number}"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / f"{own}.mid").write_bytes(export(piece, "midi"))
        (folder / f"{own}.wav").write_bytes(export(piece, "wav"))
        (folder / f"{own}.png").write_bytes(piano_roll(piece))
        if command:
            write_text(folder / "command.txt", f"{command}\n")
        run.artifacts(folder, f"{FOLDER}/{own}")
    info = run.client.get_run(run.id).info
    address = tracking.uri and f"{tracking.uri}/#/experiments/{info.experiment_id}/runs/{run.id}"
    return {"run": run.id, "name": info.run_name, "folder": f"{FOLDER}/{own}", "address": address}

"""split: which pieces are for training, for validation and for testing."""

from pathlib import Path

from ostinato.config import Config
from ostinato.console import say
from ostinato.corpora.parts import PARTS
from ostinato.corpora.splitting import Splitting
from ostinato.corpora.store import PieceStore
from ostinato.errors import UserError
from ostinato.files import write_json
from ostinato.stages.workspace import Workspace
from ostinato.wording import quantity

READS = ("split",)


def run(config: Config, workspace: Workspace) -> None:
    """Divide the pieces as a config says."""
    split(config.build("split"), workspace.pieces, workspace.split)


def split(settings: Splitting, pieces: Path, out: Path) -> None:
    """Divide the pieces of the folder `pieces` and write the names of each part as JSON to `out`.

    Raises `UserError` when there would be nothing to train on, or too little for the parts.
    """
    division = settings.divide(PieceStore(pieces))
    result = division.as_json()
    if not result["train"]:
        raise UserError("The split leaves no piece to train on: name some under `train`.")
    write_json(out, result)
    sizes = ", ".join(f"{part} {len(result[part])}" for part in PARTS)
    groups = result["groups"]
    alike = (
        f"; {groups['grouped_pieces']} pieces are alike and stay together in "
        f"{quantity(groups['groups'], 'group')}, the largest of {groups['largest']}"
    )
    say(sizes + (alike if groups["groups"] else ""))

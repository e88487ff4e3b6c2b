"""Places in which a project keeps what the stages read and write."""

from dataclasses import dataclass
from pathlib import Path

from ostinato import scratch
from ostinato.config import Config
from ostinato.config.location import project_folder
from ostinato.locks import remove_dead_lock

# where temporary files lie, and locks
RUNS = ("outputs/runs/*/*/", "outputs/sweeps/*/*/", "outputs/sweeps/*/*/*/")
TEMPORARY = tuple(
    f"{folder}{scratch.NAME}"
    for folder in ("", "*/", "outputs/*/", "outputs/cache/*/", "outputs/cache/*/*/", *RUNS)
)
LOCKS = ("outputs/cache/*/*.lock", "outputs/checkpoints/*.lock")


@dataclass(frozen=True)
class Workspace:
    """A project folder (`root`, with conf/ and data/) and the folder that a run writes to.

    `shared_pieces` replaces outputs/pieces where runs share preprocessed pieces, and `shared_split`
    outputs/split.json where a model has one of its own. `sweep` is the folder of the sweep that
    the run is of.
    """

    root: Path
    outputs: Path
    shared_pieces: Path | None = None
    shared_split: Path | None = None
    sweep: Path | None = None

    @classmethod
    def here(cls) -> "Workspace":
        """The project one stands in, or this folder where it is none; both write to outputs/."""
        root = project_folder() or Path.cwd()
        return cls(root, root / "outputs")

    @property
    def home(self) -> Path:
        """The main checkout, also where DVC runs a queued experiment in a copy of it."""
        for folder in self.root.resolve().parents:
            if folder.name == ".dvc":
                return folder.parent
        return self.root

    @property
    def config(self) -> Path:
        """The composed config."""
        return self.outputs / "config.yaml"

    @property
    def pieces(self) -> Path:
        """The preprocessed pieces."""
        return self.shared_pieces or self.outputs / "pieces"

    @property
    def split(self) -> Path:
        """Return which pieces are for training, validation and test."""
        return self.shared_split or self.outputs / "split.json"

    @property
    def model(self) -> Path:
        """The trained bundle."""
        return self.outputs / "model"

    @property
    def curves(self) -> Path:
        """The learning curves, a row an epoch."""
        return self.outputs / "curves.csv"

    @property
    def samples(self) -> Path:
        """The composed pieces."""
        return self.outputs / "samples"

    @property
    def evaluation(self) -> Path:
        """Metrics, plots and the report."""
        return self.outputs / "evaluation"

    @property
    def inspected(self) -> Path:
        """Pictures of what `ostinato inspect` was shown."""
        return self.outputs / "inspected"

    @property
    def cache(self) -> Path:
        """Token stores and shared pieces, named by what they were made from."""
        return self.home / "outputs" / "cache"

    @property
    def checkpoints(self) -> Path:
        """Checkpoints of trainings, named by what determines them."""
        return self.home / "outputs" / "checkpoints"

    def clear_remains(self) -> None:
        """Remove what processes that have died left, and nothing of those that live."""
        for root in {self.root.resolve(), self.home.resolve()}:
            for place in (found for pattern in TEMPORARY for found in root.glob(pattern)):
                scratch.clear(place)
            for file in (found for pattern in LOCKS for found in root.glob(pattern)):
                remove_dead_lock(file)


def model_folder(config: Config, workspace: Workspace) -> Path:
    """Return the folder of the bundle: `model_dir`, or else the one that DVC's stages write."""
    given = config["model_dir"]
    return workspace.root / Path(given).expanduser() if given else workspace.model


def samples_folder(config: Config, workspace: Workspace) -> Path:
    """Return the folder of the samples: `samples_dir`, or else the project's own."""
    given = config["samples_dir"]
    return workspace.root / Path(given).expanduser() if given else workspace.samples

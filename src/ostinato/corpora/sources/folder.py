"""A user's own folder of music as a corpus."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ostinato.console import track
from ostinato.corpora.sources.source import Source
from ostinato.errors import UserError
from ostinato.music.reading import SUFFIXES, music_files


@dataclass(frozen=True)
class Folder(Source):
    """Copies the music files of a folder, subfolders and names as they are; the rest is left."""

    folder: Annotated[
        str | None, Field(description="the folder with your music; null: you put it there yourself")
    ]

    def write(self, folder: Path, processes: int, mirror: str | None = None) -> None:  # noqa: ARG002
        """Copy the music into `folder`; raises `UserError` when there is none."""
        if self.folder is None:
            raise UserError(
                "This corpus has nothing to fetch: put your music into its folder, or say where it "
                "is with corpus.source.folder=/path/to/music."
            )
        source = Path(self.folder).expanduser().resolve()
        if not source.is_dir():
            raise UserError(f"corpus.source.folder={self.folder} is not a folder.")
        if source in folder.resolve().parents:
            raise UserError(
                f"corpus.source.folder={self.folder} contains the folder it would be copied into: "
                "name a folder outside of data/."
            )
        files = music_files(source)
        if not files:
            raise UserError(
                f"There is no music in {source}: files ending in {', '.join(SUFFIXES)} are read."
            )
        for file in track(files, "copying", len(files)):
            target = folder / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)

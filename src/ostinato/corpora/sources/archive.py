"""Corpora published as an archive of MIDI files."""

import shutil
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field

from ostinato.console import say
from ostinato.corpora.sources.checksum import Checksum, sha256_or_none
from ostinato.corpora.sources.download import as_folder, download, forget, local, name_of_file
from ostinato.corpora.sources.published_splits import TABLE, Parts, arrange
from ostinato.corpora.sources.source import Source, Terms
from ostinato.corpora.sources.unpacking import BrokenArchiveError, Limits, unpack
from ostinato.errors import UserError
from ostinato.music.reading import MIDI
from ostinato.wording import quantity

ENTRIES = 20  # an archive may hold so many entries for each piece of music
MORE_ENTRIES = 1000
FOREIGN = "__MACOSX"  # what macOS adds to a .zip: names of music, but no music


@dataclass(frozen=True)
class Publication:
    """An archive as it was published."""

    address: str
    checksum: Checksum | None
    suffixes: tuple[str, ...]  # of the files that are music, in small letters


@dataclass(frozen=True)
class Archive(Source):
    """A .zip or .tar.gz, from the network or at hand; or a folder that it was unpacked into."""

    pieces: Annotated[int, Field(ge=1, description="how many files of music are published")]
    max_megabytes: Annotated[
        int, Field(ge=1, description="unpacked; an archive that holds more is refused")
    ]
    unpacked: Annotated[
        str,
        Field(
            pattern=r"^[^/\\.][^/\\]*$",
            description="its folder, where corpus.mirror is a folder that holds it unpacked",
        ),
    ]
    parts: Annotated[
        Parts | None,
        Field(description="what tells train, validation and test apart; null: there are none"),
    ]
    leave_out: Annotated[list[str], Field(description="folders of the archive that are no use")]
    path: Annotated[
        str | None,
        Field(min_length=1, description="the file or folder, if you have it; null: download it"),
    ]

    @abstractmethod
    def publication(self) -> Publication:
        """Return its address and checksum."""

    def write(self, folder: Path, processes: int, mirror: str | None = None) -> None:  # noqa: ARG002
        """Unpack the music, into train/, validation/ and test/ where there are parts."""
        published = self.publication()
        source = self._place(published, mirror)
        heap = folder / ".unpacked"
        heap.mkdir()
        limits = Limits(ENTRIES * self.pieces + MORE_ENTRIES, self.max_megabytes)
        suffixes = (*published.suffixes, *((TABLE,) if self.parts == "table" else ()))
        try:
            unpack(source, heap, lambda name: self._wanted(name, suffixes), limits, self.pieces)
        except BrokenArchiveError:
            forget(source)
            raise
        if not any(file.suffix != TABLE and file.is_file() for file in heap.rglob("*")):
            raise UserError(f"There is no music in {source}: {' or '.join(MIDI)} is expected.")
        found = arrange(heap, folder, self.parts)
        shutil.rmtree(heap)
        say(f"{quantity(found, 'file')} of music, of {self.pieces} expected")

    def _place(self, published: Publication, mirror: str | None) -> Path:
        """Return the archive, or a folder with what was in it."""
        if self.path is not None:
            given = Path(self.path).expanduser()
            return given if given.is_dir() else local(self.path, published.checksum)
        beside = as_folder(mirror) if mirror else None
        if beside is not None and (beside / self.unpacked).is_dir():
            return beside / self.unpacked
        if (
            beside is not None
            and not (beside / (name := name_of_file(published.address))).is_file()
        ):
            raise UserError(
                f"There is neither a folder {self.unpacked} nor a file {name} in {beside}: "
                "corpus.mirror (or OSTINATO_MIRROR) must be a folder that holds one of them, or an "
                "address that begins with https://."
            )
        return download(published.address, published.checksum, mirror)

    def _wanted(self, name: PurePosixPath, suffixes: tuple[str, ...]) -> bool:
        useless = (FOREIGN, *self.leave_out)
        return name.suffix.lower() in suffixes and not any(
            part in useless or part.startswith(".") for part in name.parts
        )


@dataclass(frozen=True)
class WebArchive(Archive):
    """An archive of which the config knows all."""

    address: Annotated[str, Field(min_length=1, description="where it is published")]
    sha256: Annotated[
        str | None, Field(pattern="^[0-9a-f]{64}$", description="of the file; null: not checked")
    ]
    licence: Annotated[str, Field(description="on what terms it is published")]
    citation: Annotated[str, Field(description="whom to cite")]

    def publication(self) -> Publication:
        """Return the address and checksum of the config."""
        return Publication(self.address, sha256_or_none(self.sha256), MIDI)

    def terms(self) -> Terms:
        """Return the terms as the config says."""
        return Terms(self.licence, self.citation)


@dataclass(frozen=True)
class MuspyArchive(Archive):
    """An archive of which MusPy knows address, checksum, licence, citation and suffix."""

    dataset: Annotated[
        Literal[
            "MAESTRODatasetV1",
            "MAESTRODatasetV2",
            "MAESTRODatasetV3",
            "LakhMIDIDataset",
            "LakhMIDIMatchedDataset",
            "LakhMIDIAlignedDataset",
            "NESMusicDatabase",
            "EMOPIADataset",
        ],
        Field(description="MusPy's class"),
    ]
    check: Annotated[bool, Field(description="whether the file must have the checksum")]

    def publication(self) -> Publication:
        """Return MusPy's address and checksum: its sha256 where it has one, or else its md5."""
        known = self._known()
        (source,) = known._sources.values()
        kind: Literal["sha256", "md5"] = "sha256" if "sha256" in source else "md5"
        checksum = Checksum(kind, source[kind], "corpus.source.check=false")
        return Publication(
            source["url"], checksum if self.check else None, (f".{known._extension}",)
        )

    def terms(self) -> Terms:
        """Return the terms as MusPy says."""
        known = self._known()
        return Terms(known.info().license or "", known.citation())

    def _known(self) -> Any:
        import muspy

        return getattr(muspy, self.dataset)

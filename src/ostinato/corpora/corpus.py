"""The settings of a corpus."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from ostinato.corpora.sources.source import Source

MIRROR = "OSTINATO_MIRROR"  # the environment's word, where a corpus's `mirror` says nothing
Program = Annotated[int, Field(ge=0, le=127)]


@dataclass(frozen=True)
class Corpus:
    """A folder of music, and what becomes of it on the way to `outputs/pieces`."""

    name: Annotated[str, Field(min_length=1, description="what the corpus is called")]
    path: Annotated[
        str, Field(min_length=1, description="its folder, seen from the project's root")
    ]
    mirror: Annotated[
        str | None,
        Field(
            min_length=1,
            description="what `ostinato fetch` downloads from instead of the host: an address, or "
            f"a folder that holds the file; null: ${MIRROR}, or else the host",
        ),
    ]
    resolution: Annotated[
        int, Field(ge=1, le=10080, description="ticks per quarter note of the pieces")
    ]
    quantise: Annotated[
        int | None,
        Field(ge=1, description="steps per quarter note that notes are moved to; null: none"),
    ]
    metre: Annotated[
        tuple[Annotated[int, Field(ge=1, le=64)], Literal[1, 2, 4, 8, 16]] | None,
        Field(
            description="time signature that pieces get, [4, 4], moved so that bars begin where "
            "their notes say; null: as they are written"
        ),
    ]
    pitch_range: Annotated[
        tuple[Program, Program], Field(description="notes below or above are dropped")
    ]
    min_notes: Annotated[int, Field(ge=1, description="pieces with fewer are rejected")]
    max_quarters: Annotated[
        float | None, Field(gt=0, description="longer pieces (in quarter notes) are rejected")
    ]
    programs: Annotated[
        list[Program] | None,
        Field(min_length=1, description="keep only these MIDI programs, 0 to 127; null: all"),
    ]
    drums: Annotated[Literal["keep", "drop"], Field(description="what becomes of percussion")]
    min_tracks: Annotated[int, Field(ge=1, description="pieces with fewer are rejected")]
    max_tracks: Annotated[
        int | None, Field(ge=1, description="pieces with more are rejected; null: no limit")
    ]
    merge_tracks: Annotated[
        bool,
        Field(description="whether all tracks without drums become one, as a piano plays them"),
    ]
    duplicates: Annotated[
        Literal["keep", "drop"],
        Field(description="what becomes of music that an earlier file holds already"),
    ]
    source: Annotated[Source | None, Field(description="where `ostinato fetch` gets it")] = None

    def __post_init__(self) -> None:
        low, high = self.pitch_range
        if low > high:
            raise ValueError(f"pitch_range={low}, {high} is empty: the lower pitch comes first.")
        if self.quantise is not None and self.resolution % self.quantise:
            raise ValueError(
                f"quantise={self.quantise} does not divide resolution={self.resolution}: its steps "
                "would not fall on ticks."
            )
        if self.max_tracks is not None and self.max_tracks < self.min_tracks:
            raise ValueError(f"max_tracks={self.max_tracks} is below min_tracks={self.min_tracks}.")
        if self.path.startswith(("/", "~")) or ".." in self.path.split("/"):
            raise ValueError(f"path={self.path} must stay inside the project, as data/bach does.")


def keep_everything(name: str, path: str, resolution: int) -> Corpus:
    """Return the settings of a folder that no config names: no piece or note of it is left out.

    resolution: ticks per quarter note.
    """
    return Corpus(
        name=name,
        path=path,
        mirror=None,
        resolution=resolution,
        quantise=None,
        metre=None,
        pitch_range=(0, 127),
        min_notes=1,
        max_quarters=None,
        programs=None,
        drums="keep",
        min_tracks=1,
        max_tracks=None,
        merge_tracks=False,
        duplicates="keep",
    )

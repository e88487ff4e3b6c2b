"""originality.csv: the longest passage of each part of each sample, and where it is in training."""

import csv
import io
from collections.abc import Iterator

from ostinato.evaluation.originality.assessment import Assessment
from ostinato.evaluation.originality.index import MOST, SEED
from ostinato.evaluation.originality.measure import Originality
from ostinato.evaluation.originality.passages import Passage, Place, kind_of, label_part
from ostinato.music.piece import Piece

Row = dict[str, object]
LENGTHS = range(SEED, MOST + 1)
OF_SAMPLE = ("threshold", "nearest_piece", "cardinality", *(f"known_{n}grams" for n in LENGTHS))
COLUMNS = (
    *("piece", "part", "copies", "notes", "changed", "quarters", "start", "end", "bars"),
    *("training_piece", "training_part", "training_start", "training_end", "training_bars"),
    *("semitones", "evidence", *OF_SAMPLE),
)


def write_table(found: Assessment) -> str:
    """Return the table as CSV, a row for each part of a sample: texture, upper voice, tracks.

    What is of the sample as a whole (`OF_SAMPLE`) stands in each of its rows. A sample that shares
    nothing has one row with 0 notes.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    flagged = set(found.flagged)
    for number, (piece, shared) in enumerate(zip(found.pieces, found.samples, strict=True)):
        whole = _describe_sample(shared)
        if found.threshold:
            copies = "yes" if number in flagged else "no"
            whole |= {"copies": copies, "threshold": round(found.threshold.bits, 1)}
        writer.writerows(row | whole for row in _describe_parts(piece, shared))
    return text.getvalue()


def _describe_sample(shared: Originality) -> Row:
    name, cardinality = shared.nearest
    known: Row = {f"known_{n}grams": round(share, 4) for n, share in shared.shares.items()}
    nearest: Row = {"nearest_piece": name, "cardinality": round(cardinality, 4)}
    return {"piece": shared.name} | nearest | known


def _describe_parts(piece: Piece, shared: Originality) -> Iterator[Row]:
    if not shared.longest:
        yield {"part": kind_of(-1), "notes": 0}
    for track, passage in shared.longest.items():
        yield {"part": label_part(piece, track)} | _describe_passage(passage)


def _describe_passage(passage: Passage) -> Row:
    here, there = passage.here, passage.there
    number = passage.training_track  # the names of its tracks are not kept
    return {
        "notes": passage.notes,
        "changed": round(passage.changed, 3),
        "quarters": round(here.quarters, 3),
        **_describe_place(here, ""),
        "training_piece": passage.training,
        "training_part": kind_of(number) if number < 0 else f"track {number + 1}",
        **_describe_place(there, "training_"),
        "semitones": passage.semitones,
        "evidence": round(passage.evidence, 1),
    }


def _describe_place(place: Place, prefix: str) -> Row:
    first, last = place.bars
    return {
        f"{prefix}start": round(place.start, 3),
        f"{prefix}end": round(place.end, 3),
        f"{prefix}bars": f"{first}–{last}" if first != last else str(first),
    }

"""Votes on two pieces, in the files of `ostinato listen`, so that `ostinato votes` counts them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ostinato import console
from ostinato.errors import UserError
from ostinato.files import atomic_file, fingerprint, write_text
from ostinato.listening.protocol import (
    PROTOCOL,
    Clip,
    Key,
    KeyClip,
    KeySystem,
    Side,
    Vote,
    VotesFile,
    explain_problem,
    read_key,
    read_votes,
)
from ostinato.locks import locked
from ostinato.music.piece import Piece
from ostinato.stages.listen import KEY, LISTENING
from ostinato.studio.pieces import decode, from_request
from ostinato.studio.schemas import Music, VoteIn

TEST = fingerprint(["the votes of the studio"])  # one test: its systems are models by their weights
SHORT = 8  # hexadecimal digits of an id


def keep_vote(asked: VoteIn, models: list[dict[str, str]], voter: str, outputs: Path) -> Any:
    """Add a vote to a voter's file, and what it was on to the key; returns where, and how many.

    models: `name` and `folder` of each side. Raises `UserError` for a vote that does not count.
    """
    from pydantic import ValidationError

    folder = outputs / LISTENING / TEST
    folder.mkdir(parents=True, exist_ok=True)
    clips = [_clip(side.midi, model) for side, model in zip(asked.sides, models, strict=True)]
    if clips[0].system == clips[1].system:
        raise UserError("Both pieces are of one model: a vote compares two.")
    pair = fingerprint(sorted((clip.system, clip.clip) for clip in clips))[:SHORT]
    file = folder / f"votes-{voter}.json"
    with locked(folder / KEY, "a vote is kept"):
        before = read_votes(file) if file.is_file() else None
        order = [] if before is None else before.order
        if pair in order:
            raise UserError("You have voted on these two pieces before: compose two new ones.")
        try:
            left, right = (
                Side(**clip.model_dump(), heard=side.heard)
                for clip, side in zip(clips, asked.sides, strict=True)
            )
            vote = Vote(
                pair=pair,
                position=len(order),
                left=left,
                right=right,
                answer=asked.answer,
                seconds=asked.seconds,
                voted=datetime.now(UTC),
            )
        except ValidationError as error:
            raise UserError(f"This vote {explain_problem(error)}.") from error
        votes = [*(before.votes if before else []), vote]
        _add_to_key(folder, asked, models, clips, pair)
        kept = VotesFile(
            protocol=PROTOCOL, test=TEST, voter=voter, order=[*order, pair], votes=votes
        )
        write_text(file, kept.model_dump_json(indent=1))
    return {"file": console.where(file), "votes": len(votes)}


def _clip(midi: str, model: dict[str, str]) -> Clip:
    from ostinato.models.bundle import bundle_fingerprint

    system = bundle_fingerprint(Path(model["folder"]))[:SHORT]
    return Clip(system=system, clip=fingerprint([system, midi])[:SHORT])


def _add_to_key(
    folder: Path, asked: VoteIn, models: list[dict[str, str]], clips: list[Clip], pair: str
) -> None:
    """Add to the key what a vote was on, and keep the MIDI files."""
    key = read_key(folder / KEY) if (folder / KEY).is_file() else None
    systems = {} if key is None else dict(key.systems)
    known = {} if key is None else dict(key.clips)
    pairs = {} if key is None else dict(key.pairs)
    (folder / "clips").mkdir(exist_ok=True)
    for clip, side, model in zip(clips, asked.sides, models, strict=True):
        systems[clip.system] = KeySystem(name=model["name"], source=model["folder"])
        piece: Piece = from_request(Music(midi=side.midi))
        name = f"{clip.clip}.mid"
        known[clip.clip] = KeyClip(system=clip.system, piece=name, seconds=piece.seconds)
        with atomic_file(folder / "clips" / name) as part:
            part.write_bytes(decode(side.midi))
    pairs[pair] = (clips[0], clips[1])
    made = Key(
        protocol=PROTOCOL,
        test=TEST,
        seed=0,
        systems=systems,
        clips=known,
        pairs=pairs,
        left_out={},
    )
    write_text(folder / KEY, made.model_dump_json(indent=1))

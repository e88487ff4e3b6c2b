"""Files that generating writes: music files, sound, pictures, and a page to hear and see them."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato import console
from ostinato.errors import UnencodableError
from ostinato.sampling.prompts import crop_bars
from ostinato.wording import quantity

if TYPE_CHECKING:
    from ostinato.methods.base import Sample
    from ostinato.models.bundle import Bundle
    from ostinato.music import page
    from ostinato.music.page import Given
    from ostinato.music.piece import Piece
    from ostinato.sampling.settings import Sampling

LISTEN = "listen.html"
FEWEST_BARS = 4  # of a real piece
GIVEN = "given"  # which notes are, in what is written beside samples
MOST_TRACKS = 16  # with a sound of their own each: the page grows with every one
COMPRESSION = 0.7  # of a track's sound
LABELS = {
    "representation": "music as",
    "corpus": "trained on",
    "temperature": "temperature (1: as the model says)",
    "top_k": "drawn among so many of the likeliest",
    "top_p": "drawn among the likeliest that make up",
    "min_p": "drawn among those at least so likely, to the likeliest",
    "max_bars": "longest, in bars of 4/4",
    "prompt": "continues",
    "prompt_bars": "bars that are given",
    "interpolation_steps": "segments interpolated",
    "start": "from",
    "sample_rate": "sound, samples a second",
    "cut_pieces": "pieces that were cut",
}


def write_samples(
    composed: "Sequence[Sample]",
    real: "Piece | None",
    sampling: "Sampling",
    about: Mapping[str, Any],
    folder: Path,
) -> None:
    """Write each piece as MIDI, MusicXML, WAV and PNG, a melody as ABC; and listen.html on all."""
    from ostinato.music.page import Listening, listen_page

    shown = [
        _write_sample(number, one, sampling, folder)
        for number, one in enumerate(console.track(composed, "rendering", len(composed)), 1)
    ]
    if real is not None:
        shown.append(_show_real(real, sampling))
    page = Listening(
        f"New music from {about['model']}, trained on {about['corpus']}",
        shown,
        _introduce(len(composed), real is not None),
        {LABELS.get(key, key.replace("_", " ")): value for key, value in about.items()},
        sampling.sample_rate,
    )
    (folder / LISTEN).write_text(listen_page(page), encoding="utf-8")


def choose_reference(
    bundle: "Bundle", candidates: "Iterable[Piece]", composed: Sequence["Piece"], named: str | None
) -> "Piece | None":
    """Return the beginning of a piece of the test split, as many bars as the longest new piece.

    It is the one called `named` of the `candidates`, or else the first that the model's
    representation can write; None where there is no such piece.
    """
    bars = max(FEWEST_BARS, *(len(piece.barlines()) for piece in composed))
    for piece in candidates:
        if named is not None and piece.name != named:
            continue
        try:
            bundle.representation.encode(piece)
        except UnencodableError:
            continue
        return crop_bars(piece, bars)
    return None


def note_given(samples: "Iterable[Sample]") -> dict[str, Any]:
    """Return which notes of samples are given, for the file beside them; nothing where none are."""
    found = {
        sample.piece.name: {
            "source": sample.given.source,
            "notes": "".join(str(int(given)) for given in sample.given.notes),
        }
        for sample in samples
        if sample.given is not None and sample.given.notes
    }
    return {GIVEN: found} if found else {}


def read_given(about: Mapping[str, Any], pieces: "Iterable[Piece]") -> "dict[str, Given]":
    """Return which notes of pieces are given, by name, as `note_given` has noted it.

    A piece that has other notes now has none.
    """
    from ostinato.music.page import Given

    noted = about.get(GIVEN, {})
    found = {}
    for piece in pieces:
        if (own := noted.get(piece.name)) and len(own["notes"]) == len(piece.notes):
            found[piece.name] = Given(own["source"], notes=tuple(n == "1" for n in own["notes"]))
    return found


def _write_sample(
    number: int, composition: "Sample", sampling: "Sampling", folder: Path
) -> "page.Sample":
    from ostinato.music import sound
    from ostinato.music.page import Sample
    from ostinato.music.picture import piano_roll
    from ostinato.music.writing import write_midi

    piece = composition.piece
    write_midi(piece, folder / f"{piece.name}.mid")
    _write_notation(piece, folder)
    font = Path(sampling.soundfont) if sampling.soundfont else None
    samples = sound.render(piece, font, sampling.sample_rate)
    facts = [*_tell_end(composition), *composition.facts]
    if not len(piece.notes) or sound.is_silent(samples):
        console.warn(f"{piece.name} IS SILENT: the model wrote no note that can be heard.")
        facts.append("silent: the model wrote no note that can be heard")
    sound.write_wav(folder / f"{piece.name}.wav", samples, sampling.sample_rate)
    given = composition.given.notes if composition.given else ()
    (folder / f"{piece.name}.png").write_bytes(piano_roll(piece, given=given))
    sounds = _sounds(piece, sampling)
    title = f"Piece {number}"
    return Sample(piece.name, piece, sounds, title, facts, given=composition.given)


def _write_notation(piece: "Piece", folder: Path) -> None:
    """Write a piece as MusicXML, a melody as ABC too, and say what of it is not written."""
    from ostinato.music.abc import is_melody, write_abc
    from ostinato.music.notation import write_musicxml

    drums = int(piece.notes["drum"].sum())
    if drums == len(piece.notes):
        return
    if is_melody(piece):
        try:
            write_abc(piece, folder / f"{piece.name}.abc")
        except ValueError as error:
            console.warn(f"{piece.name}.abc is not written: {error}")
    name = f"{piece.name}.musicxml"
    try:
        write_musicxml(piece, folder / name)
    except ValueError as error:
        console.warn(f"{name} is not written: music21 cannot notate the piece: {error}")
        return
    if drums:
        console.warn(f"{name} is without the {quantity(drums, 'note')} of drums.")


def _show_real(piece: "Piece", sampling: "Sampling") -> "page.Sample":
    from ostinato.music.page import Sample

    sounds, title = _sounds(piece, sampling), f"Real music: {piece.name}"
    note = "From the test split: no model made it, and this model has not learned from it."
    return Sample(piece.name, piece, sounds, title, note=note, real=True)


def _sounds(piece: "Piece", sampling: "Sampling") -> dict[int | None, bytes]:
    """The sound of each track, or of all together where there is one or very many."""
    from ostinato.music import sound

    font, rate = Path(sampling.soundfont) if sampling.soundfont else None, sampling.sample_rate
    tracks = len(set(piece.notes["track"].tolist()))
    if not 1 < tracks <= MOST_TRACKS:
        return {None: sound.mp3_bytes(sound.render(piece, font, rate), rate)}
    alone = sound.render_tracks(piece, font, rate)
    with ThreadPoolExecutor() as threads:  # it is most of the work on a sample
        encode = partial(sound.mp3_bytes, sample_rate=rate, compression=COMPRESSION)
        return dict(zip(alone, threads.map(encode, alone.values()), strict=True))


def _tell_end(composition: "Sample") -> list[str]:
    if composition.ended is None:
        return []
    return ["ends by itself" if composition.ended else "cut: it had not ended"]


def _introduce(count: int, real: bool) -> str:
    pieces = "One new piece" if count == 1 else f"{count} new pieces"
    beside = ", and at the end a real one to hear beside them" if real else ""
    return f"{pieces}{beside}. Click into a picture to play from there; solo or mute voices."

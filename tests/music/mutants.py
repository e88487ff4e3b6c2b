"""Damaged and hostile copies of music files, each made from its number alone.

`python mutants.py FOLDER SUFFIX FIRST COUNT` reads as many mutants of the files of one suffix in a
folder and prints a line before each, so that whoever started it knows on which one it died.
"""

import io
import re
import resource
import struct
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from defaults import build
from ostinato.errors import UnencodableError, UnreadableError
from ostinato.music import limits
from ostinato.music.piece import Piece
from ostinato.music.reading import read, read_midi
from ostinato.music.writing import write_midi

MEMORY = 4 * 2**30  # bytes
PATIENCE = 1.0  # seconds of processor time for reading one tune or file
SLOW = 15  # seconds of processor time for all that is done with a mutant
PROGRAM = 600  # MiB of memory of a program that reading starts
Random = np.random.Generator
Mutation = Callable[[bytes, Random], bytes]

# ---------------------------------------------------------------- any bytes


def cut(data: bytes, random: Random) -> bytes:
    return data[: random.integers(len(data))]


def flip(data: bytes, random: Random) -> bytes:
    out = bytearray(data)
    for at in random.integers(0, len(data), random.integers(1, 9)):
        out[at] ^= 1 << random.integers(8)
    return bytes(out)


def overwrite(data: bytes, random: Random) -> bytes:
    out = bytearray(data)
    for at in random.integers(0, len(data), random.integers(1, 9)):
        out[at] = random.integers(256)
    return bytes(out)


def insert(data: bytes, random: Random) -> bytes:
    at = random.integers(len(data))
    return data[:at] + random.bytes(random.integers(1, 9)) + data[at:]


def delete(data: bytes, random: Random) -> bytes:
    at = random.integers(len(data))
    return data[:at] + data[at + random.integers(1, 9) :]


def double(data: bytes, random: Random) -> bytes:
    first, last = sorted(random.integers(0, len(data), 2))
    return data[:last] + data[first:]


def swap(data: bytes, random: Random) -> bytes:
    a, b, c = sorted(random.integers(0, len(data), 3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


ANY = (cut, flip, overwrite, insert, delete, double, swap)

# ---------------------------------------------------------------- MIDI

LATEST = b"\xff\xff\xff\x7f"
EVENTS = (
    *(b"\xff\x51\x03" + tempo for tempo in (b"\0\0\0", b"\0\0\1", b"\xff\xff\xff")),
    *(b"\xff\x58\x04" + bytes([n, d, 24, 8]) for n in (0, 1, 255) for d in (0, 2, 6, 7, 31, 255)),
    *(b"\xff\x59\x02" + bytes([fifths, 0]) for fifths in (7, 8, 127, 128, 249)),
    b"\xff\x59\x02\x00\xff",
    b"\xff\x51\x00",
    b"\xff\x58\x01\x04",
    b"\xff\x59\x00",
    b"\xff\x03\x04\xff\xfe\xfd\xfc",
    b"\xff\x03\x05na\x00me",
    b"\xff\x01" + LATEST,
    b"\xff\x01\x7fshort",
    b"\xff\x2f\x00",
    b"\xff\x7f\x00",
    b"\xf0" + LATEST,
    b"\xf0\x02\x01\xf7",
    b"\xf7\x00",
    b"\xf1\x00",
    b"\xf2\x00\x00",
    b"\xf8",
    b"\xc0\xff",
    b"\xc9\x05",
    b"\x90\xff\xff",
    b"\x90\x3c\xff",
    b"\x9f\xc1\x40",
    b"\x8f\x80\x40",
    b"\x90\x3c\x50",
    b"\x90\x3c\x00",
    b"\x80\x3c\x40",
    b"\x99\x24\x7f",
    b"\xb0\x40\x7f",
    b"\xe0\xff\xff",
    b"\x3c\x50",
    b"\x3c",
    b"\x90",
)
DELTAS = (b"\x00", b"\x00", b"\x01", b"\x60", b"\x83\x60", b"\xff\x7f", b"\xff\xff\x7f", LATEST)


def chunks(data: bytes) -> list[tuple[int, int]]:
    """Where the contents of each track chunk begin and end."""
    found, at = [], 14
    while data[at : at + 4] == b"MTrk" and at + 8 <= len(data):
        end = at + 8 + struct.unpack(">I", data[at + 4 : at + 8])[0]
        found.append((at + 8, min(end, len(data))))
        at = end
    return found


def within_track(change: Mutation) -> Mutation:
    """The same change inside one track, whose length is corrected."""

    def changed(data: bytes, random: Random) -> bytes:
        begin, end = random.choice(chunks(data))
        track = change(data[begin:end], random)
        return data[: begin - 4] + struct.pack(">I", len(track)) + track + data[end:]

    return changed


def events(data: bytes, random: Random) -> bytes:
    """Hostile events, at the beginning of the track or anywhere."""
    some = b"".join(
        DELTAS[random.integers(len(DELTAS))] + EVENTS[random.integers(len(EVENTS))]
        for _ in range(random.integers(1, 12))
    )
    at = 0 if random.random() < 0.6 else random.integers(len(data) + 1)
    return data[:at] + some + data[at:]


def late(data: bytes, random: Random) -> bytes:
    """Times moved towards the end of what MIDI can count, and beyond."""
    return (LATEST + b"\xff\x01\x00") * int(random.integers(1, 20)) + data


def running(data: bytes, random: Random) -> bytes:
    """Status bytes taken away, as if it were running."""
    places = [at for at, byte in enumerate(data) if byte & 0xF0 in (0x80, 0x90)]
    gone = set(random.choice(places, max(1, len(places) // 8)).tolist()) if places else set()
    return bytes(byte for at, byte in enumerate(data) if at not in gone)


def header(data: bytes, random: Random) -> bytes:
    values = (0, 1, 2, 3, 16, 96, 0x7FFF, 0x8000, 0xE728, 0xFFFF)
    out = bytearray(data)
    struct.pack_into(">H", out, int(random.choice((8, 10, 12))), int(random.choice(values)))
    return bytes(out)


def header_length(data: bytes, random: Random) -> bytes:
    extra = int(random.integers(0, 40))
    claimed = int(random.choice((6 + extra, 0, 5, 2**31, 2**32 - 1)))
    return data[:4] + struct.pack(">I", claimed) + data[8:14] + bytes(extra) + data[14:]


def lengths(data: bytes, random: Random) -> bytes:
    begin, end = random.choice(chunks(data))
    length = int(random.choice((0, 1, end - begin - 1, end - begin + 1, 2**31, 2**32 - 1)))
    return data[: begin - 4] + struct.pack(">I", length) + data[begin:]


def doubled_chunk(data: bytes, random: Random) -> bytes:
    begin, end = random.choice(chunks(data))
    times = int(random.choice((1, 2, 30)))
    count = struct.pack(">H", len(chunks(data)) + times)
    return data[:10] + count + data[12:] + data[begin - 8 : end] * times


def foreign_chunk(data: bytes, random: Random) -> bytes:
    begin, _ = random.choice(chunks(data))
    other = b"XFIH" + struct.pack(">I", 5) + b"12345"
    return data[: begin - 8] + other + data[begin - 8 :]


INSIDE = (*ANY, events, events, events, late, running)
FRAME = (*ANY, header, header_length, lengths, doubled_chunk, foreign_chunk)
MIDI = (*map(within_track, INSIDE), *FRAME)

# ---------------------------------------------------------------- text

NUMBERS = ("0", "-1", "1", "7", "255", "256", "99999", "2147483648", "9" * 30, "1e309", "nan", "x")
TAGS = (
    '<barline location="right"><repeat direction="backward" times="{}"/></barline>',
    '<barline location="left"><repeat direction="forward"/></barline>',
    '<barline><ending number="{}" type="start"/></barline>',
    "<attributes><divisions>{}</divisions></attributes>",
    "<attributes><time><beats>{}</beats><beat-type>4</beat-type></time></attributes>",
    "<attributes><time><beats>4</beats><beat-type>{}</beat-type></time></attributes>",
    "<attributes><key><fifths>{}</fifths></key></attributes>",
    "<attributes><transpose><chromatic>{}</chromatic></transpose></attributes>",
    '<sound tempo="{}"/>',
    '<sound dynamics="{}"/>',
    '<sound dacapo="yes"/><sound fine="yes"/>',
    '<sound dalsegno="1"/>',
    "<backup><duration>{}</duration></backup>",
    "<forward><duration>{}</duration></forward>",
    "<note><rest/><duration>{}</duration></note>",
    "<note><pitch><step>C</step><alter>{}</alter><octave>4</octave></pitch>"
    "<duration>4</duration></note>",
    "<note><pitch><step>C</step><octave>{}</octave></pitch><duration>4</duration></note>",
    "<note><chord/><pitch><step>C</step><octave>4</octave></pitch><duration>{}</duration></note>",
    "<note/>",
    '<barline><ending number="{}" type="stop"/></barline>',
    '<barline location="middle"><repeat direction="backward"/></barline>',
    '<sound segno="1" coda="1"/><sound tocoda="1"/>',
    "<attributes><time><beats>{}+{}</beats><beat-type>8</beat-type></time></attributes>",
    "<attributes><time><senza-misura/></time></attributes>",
    '<attributes><measure-style><measure-repeat type="start">{}</measure-repeat></measure-style>'
    "</attributes>",
    "<attributes><transpose><diatonic>{}</diatonic><chromatic>{}</chromatic><double/></transpose>"
    "<key><fifths>3</fifths></key></attributes>",
    "<attributes><clef><sign>percussion</sign></clef></attributes>",
    "<direction><direction-type><metronome><beat-unit>half</beat-unit><beat-unit-dot/>"
    "<per-minute>{}</per-minute></metronome></direction-type><offset>{}</offset></direction>",
    "<direction><direction-type><words>D.S. al Coda</words></direction-type></direction>",
    "<direction><direction-type><segno/></direction-type></direction>",
    "<note><grace/><pitch><step>C</step><octave>4</octave></pitch></note>",
    "<note><cue/><pitch><step>C</step><octave>4</octave></pitch><duration>{}</duration></note>",
    "<note><unpitched/><duration>{}</duration></note>",
    '<note time-only="{}" dynamics="{}"><pitch><step>G</step><octave>4</octave></pitch>'
    '<duration>4</duration><tie type="stop"/><tie type="start"/><voice>2</voice></note>',
    '<sound><midi-instrument id="P1-I1"><midi-channel>10</midi-channel><midi-program>{}'
    "</midi-program><midi-unpitched>{}</midi-unpitched></midi-instrument></sound>",
    '</measure><measure implicit="yes">',
    "</part><part>",
    "<!-- {} -->",
    "&lt;",
    "&other;",
)
ABC_TOKENS = (
    *("|:", ":|", "::", "|1", ":|2", "[1", "|]", "||", "|", "[|", ":|:", "\n", "\\\n", "\n\n"),
    *("(3", "(5:4:5", "(0", "(9:1:{}", "{{cd}}", "[CEG]", "[CEG", "]", "-", "<", ">", ">>>"),
    *("C{}", "C/{}", "C{}/{}", "z{}", "Z{}", "x{}", "C" + "'" * 12, "C" + "," * 12, "^^^C", "_=C"),
    *("\nM:{}/4\n", "\nM:4/{}\n", "[M:{}/8]", "\nL:1/{}\n", "\nL:{}/1\n", "\nQ:{}\n", "\nM:C|\n"),
    *("\nQ:1/{}={}\n", "\nK:{}\n", "[K:Gmin]", "\nK:none\n", "\nV:{}\n", "\nP:AAB\n", "\nX:{}\n"),
    *('"Am7"', '"', "!trill!", "!", "+fermata+", "\nw:la la\n", "\nI:{}\n", "\nU:T=!x!\n", "%{}\n"),
    *("\x00", "\ufeff", "\u2028", "é", "𝄞", "~", "`", "&", "$", "@", "y{}", ".C", "uv"),
)


def place(data: bytes, after: bytes, random: Random) -> int:
    ends = [found.end() for found in re.finditer(after, data)]
    return int(random.choice(ends)) if ends else 0


def number(random: Random) -> str:
    return NUMBERS[random.integers(len(NUMBERS))]


def numbers(data: bytes, random: Random) -> bytes:
    """One to four of the numbers become others."""
    for _ in range(random.integers(1, 5)):
        found = list(re.finditer(rb"\d+", data))
        if found:
            one = found[random.integers(len(found))]
            data = data[: one.start()] + number(random).encode() + data[one.end() :]
    return data


def tokens_of(kinds: tuple[str, ...], after: bytes) -> Mutation:
    def inserted(data: bytes, random: Random) -> bytes:
        for _ in range(random.integers(1, 9)):
            at = place(data, after, random)
            token = kinds[random.integers(len(kinds))]
            if "{}" in token or "{{" in token:
                token = token.format(number(random), number(random))
            data = data[:at] + token.encode() + data[at:]
        return data

    return inserted


def measures(data: bytes, random: Random) -> bytes:
    """Whole elements of a score put elsewhere, in place of others or once more."""
    found = [m.span() for m in re.finditer(rb"<(note|measure|part)\b.*?</\1>", data, re.DOTALL)]
    if len(found) < 2:
        return data
    (a, b), (c, d) = (found[i] for i in sorted(random.choice(len(found), 2, replace=False)))
    return data[:a] + data[c:d] * int(random.integers(0, 4)) + data[b:]


def entities(data: bytes, random: Random) -> bytes:
    declared = (
        '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://localhost:1/x.dtd">',
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.1 Partwise//EN" "x.dtd">',
    )
    data = re.sub(rb"<!DOCTYPE[^>]*>", b"", data)
    at = data.find(b"?>") + 2 if b"?>" in data else 0
    return data[:at] + declared[random.integers(len(declared))].encode() + data[at:]


def encoded(data: bytes, random: Random) -> bytes:
    names = (b"UTF-16", b"latin-1", b"cp037", b"utf-7", b"idna", b"zlib", b"none", b"")
    return re.sub(rb'encoding="[^"]*"', b'encoding="' + random.choice(names) + b'"', data)


AMONG_NOTES = tokens_of(TAGS, rb"</note>|</attributes>")
ANYWHERE = tokens_of(TAGS, rb">")
BETWEEN_NOTES = tokens_of(ABC_TOKENS, rb"[\n |]")
WELL_FORMED = (numbers, AMONG_NOTES, AMONG_NOTES, measures, ANYWHERE)
SCORE = (*ANY, entities, encoded, *WELL_FORMED * 5)
TUNE = (*ANY, numbers, numbers, *(BETWEEN_NOTES,) * 3)


def packed(data: bytes, random: Random) -> bytes:
    """An archive whose score, container or frame is changed."""
    if random.random() < 0.2:
        return pick(ANY, random)(data, random)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.infolist():
            content = old.read(member)
            if random.random() < (0.1 if "META" in member.filename else 0.8):
                content = pick(SCORE, random)(content, random)
            if random.random() < 0.98:
                name = member.filename if random.random() < 0.95 else "../" + member.filename
                new.writestr(name, content, int(random.choice((0, 8))))
    return out.getvalue()


MUTATIONS: dict[str, tuple[Mutation, ...]] = {
    ".mid": MIDI,
    ".musicxml": SCORE,
    ".mxl": (packed,),
    ".abc": TUNE,
}

# ---------------------------------------------------------------- reading them


def pick(mutations: tuple[Mutation, ...], random: Random) -> Mutation:
    return mutations[random.integers(len(mutations))]


def mutant(folder: Path, suffix: str, seed: int) -> bytes:
    """Mutant number `seed` of the files of one suffix in the folder: one to three changes."""
    random = np.random.default_rng(seed)
    files = sorted(folder.glob(f"*{suffix}"))
    original = files[random.integers(len(files))].read_bytes()
    data = original
    for _ in range(random.integers(1, 4)):
        try:
            data = pick(MUTATIONS[suffix], random)(data, random)
        except Exception:
            break  # too damaged to be damaged further
    return data or original[:1]


def sound(piece: Piece) -> None:
    """Every promise that a piece makes."""
    notes = piece.notes
    assert len(notes)
    assert piece.resolution >= 1
    assert notes["onset"].min() >= 0
    assert notes["duration"].min() >= 1
    assert notes["pitch"].max() <= 127
    assert notes["velocity"].min() >= 1
    assert notes["velocity"].max() <= 127
    assert notes["program"].max() <= 127
    assert set(np.unique(notes["track"])) == set(range(len(piece.track_names)))
    assert 0 < piece.quarters <= 100_000
    assert piece.end < 2**28
    for changes in (piece.tempos, piece.time_signatures, piece.key_signatures):
        if len(changes):
            assert changes["onset"][0] >= 0
            assert changes["onset"][-1] < 2**28
            assert np.all(np.diff(changes["onset"]) > 0)
    assert np.all(np.isfinite(piece.tempos["qpm"]) & (piece.tempos["qpm"] > 0))
    assert np.all(np.isin(piece.time_signatures["denominator"], (1, 2, 4, 8, 16, 32, 64)))
    assert np.all(piece.time_signatures["numerator"] >= 1)
    assert np.all(piece.time_signatures["numerator"] <= 255)
    assert np.all(np.abs(piece.key_signatures["fifths"]) <= 7)


def survives(piece: Piece, path: Path) -> None:
    """The piece is sound, goes through everything that stages do first, and is written whole."""
    sound(piece)
    lines = piece.barlines()
    assert lines[0] == 0
    assert np.all(np.diff(lines) > 0)
    assert 0 < piece.seconds < np.inf
    for other in (piece.at_resolution(24), piece.quantised(4)):
        assert len(other.notes) == len(piece.notes)
        assert other.notes["duration"].min() >= 1
        other.barlines()
    write_midi(piece, path)
    again = read_midi(path)
    sound(again)
    assert len(again.notes) == len(piece.notes)
    for name in ("onset", "pitch", "velocity"):
        assert np.array_equal(np.sort(again.notes[name]), np.sort(piece.notes[name])), name
    assert np.array_equal(again.time_signatures, piece.time_signatures)
    assert np.array_equal(again.key_signatures, piece.key_signatures)
    try:
        assert (
            build("representation=event").encode(piece).max() < build("representation=event").size
        )
    except UnencodableError:
        assert piece.notes["drum"].all()


def attempt(path: Path) -> str:
    """What became of a file: "read", or "refused" with one line that says why."""
    try:
        for piece in read(path):
            survives(piece, path.parent / "again.mid")
    except UnreadableError as error:
        reason = str(error)
    else:
        return "read"
    assert reason.strip()
    assert reason.isprintable()
    assert len(reason) < 400
    return f"refused {reason}"


def processor_seconds() -> float:
    """Of this process and of the programs that it started."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main(folder: Path, suffix: str, first: int, count: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    limits.SECONDS = PATIENCE
    path = folder / "mutants" / f"{first}{suffix}"
    path.parent.mkdir(exist_ok=True)
    slowest = 0.0
    for seed in range(first, first + count):
        print(f"mutant {seed}", flush=True)
        path.write_bytes(mutant(folder, suffix, seed))
        began = processor_seconds()
        print(attempt(path), flush=True)
        slowest = max(slowest, processor_seconds() - began)
        assert slowest < SLOW
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"at most {slowest:.2f} s a file, and {peak:.0f} MiB in a program that was started")
    assert peak < PROGRAM


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))

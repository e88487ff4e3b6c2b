"""Scores are read from any encoding, markup or archive, and large numbers cost nothing."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from musicxml import BACKWARD, FORWARD, metre, note, notes, part, read, score, whole

from ostinato.errors import UnreadableError

SCORE = score(part(whole("C4"), whole("D4"))).decode()
NAMED = SCORE.replace("P1</part-name>", "Flöte</part-name>")
PLAIN = [(0, 4, 60), (4, 4, 62)]
DOCTYPE = '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "x.dtd">'


def declared(encoding: str, text: str = NAMED) -> str:
    return text.replace('version="1.0"', f'version="1.0" encoding="{encoding}"')


@pytest.mark.parametrize(
    "data",
    [
        NAMED.encode(),
        declared("UTF-8").encode("utf-8-sig"),
        declared("UTF-16").encode("utf-16"),
        declared("UTF-16").encode("utf-16-le"),
        declared("UTF-16").encode("utf-16-be"),
        declared("ISO-8859-1").encode("latin-1"),
        declared("windows-1252").encode("cp1252"),
        declared("UTF-8").encode("latin-1"),
        declared("UTF-16").encode(),
        b"\r\n  " + declared("UTF-8").encode(),
    ],
    ids=range(10),
)
def test_encodings_that_are_right_or_wrong_by_name(data: bytes, tmp_path: Path) -> None:
    piece = read(data, tmp_path)
    assert notes(piece) == PLAIN
    assert piece.track_names == ("Flöte",)


def test_markup_may_have_a_namespace_a_doctype_and_no_declaration(tmp_path: Path) -> None:
    bare = SCORE.partition("?>")[2]
    spaced = bare.replace("<score-partwise", '<score-partwise xmlns="http://www.musicxml.org/ns"')
    prefixed = bare.replace("</", "</m:").replace("<", "<m:").replace("<m:/m:", "</m:")
    prefixed = prefixed.replace("<m:score-partwise", '<m:score-partwise xmlns:m="x"', 1)
    for text in (bare, DOCTYPE + bare, spaced, prefixed):
        assert notes(read(text.encode(), tmp_path)) == PLAIN


def test_a_score_by_bars_is_read_as_one_by_parts(tmp_path: Path) -> None:
    bars = (
        f'<part id="P1">{whole("C4")}</part><part id="P2">{whole("E3")}</part>',
        f'<part id="P2">{whole("F3")}</part>',
        f'<part id="P1">{whole("D4")}</part>',
    )
    body = "".join(f"<measure>{bar}</measure>" for bar in bars)
    listed = '<part-list><score-part id="P2"><part-name>Low</part-name></score-part></part-list>'
    piece = read(f"<score-timewise>{listed}{body}</score-timewise>".encode(), tmp_path)
    assert notes(piece, 0) == [(0, 4, 60), (8, 4, 62)]
    assert notes(piece, 1) == [(0, 4, 52), (4, 4, 53)]
    assert piece.track_names == ("", "Low")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<html><body>Not found</body></html>", "not a score in MusicXML, but has 'html'"),
        (b"<opus><score/></opus>", "'opus'"),
        (b"\x00\x01\x02", "no XML"),
        (b" ", "no XML"),
        (score(), "no parts"),
        (score(part("")), "no notes"),
    ],
)
def test_what_is_no_score_is_refused_with_the_reason(
    data: bytes, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read(data, tmp_path, ".xml")


ROOTFILE = '<rootfile full-path="{}" media-type="{}"/>'
MUSICXML = "application/vnd.recordare.musicxml+xml"


def packed(names: list[str], container: str | None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        if container is not None:
            archive.writestr("META-INF/container.xml", container)
        for name in names:
            archive.writestr(name, SCORE if name.endswith("xml") else "%PDF")
    return out.getvalue()


@pytest.mark.parametrize(
    ("names", "rootfiles"),
    [
        (["a.pdf", "b.xml"], [("a.pdf", "application/pdf"), ("b.xml", MUSICXML)]),
        (["in/b.musicxml"], [("in\\b.musicxml", "")]),
        (["b.xml"], [("./b.xml", "text/xml")]),
        (["b.xml"], [("/b.xml", MUSICXML)]),
        (["b.xml", "c.xml"], None),
        (["b.xml"], None),
    ],
)
def test_odd_archives(
    names: list[str], rootfiles: list[tuple[str, str]] | None, tmp_path: Path
) -> None:
    container = None
    if rootfiles is not None:
        files = "".join(ROOTFILE.format(*file) for file in rootfiles)
        space = 'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"'
        container = f"<container {space}><rootfiles>{files}</rootfiles></container>"
    data = packed(names, container)
    if container is None and len(names) > 1:
        with pytest.raises(UnreadableError, match="2 scores"):
            read(data, tmp_path, ".mxl")
    else:
        assert notes(read(data, tmp_path, ".mxl")) == PLAIN


# ---------------------------------------------------------------- large numbers

MEMORY = 512 * 2**20  # bytes of data beyond which a child process gets no more
CHORD = note("C4", 4) + note("C4", 4, first="<chord/>") * 19_999
TIED = '<tie type="start"/><tie type="stop"/>'
LARGE = {
    "10^7 beats": part(metre(10**7, 4) + whole("C4")),
    "10^9 beats": part(metre(10**9, 4) + whole("C4")),
    "10^9 beats in an empty bar": part(metre(10**9, 4), whole("C4")),
    "a sum of beats": part(metre("+".join(["9"] * 10_000), 8) + whole("C4")),
    "a finer metre than there is": part(metre(4, 10**9) + whole("C4")),
    "10^12 divisions": part(whole("C4"), divisions=10**12),
    "many divisions": part(
        *(
            f"<attributes><divisions>{n}</divisions></attributes>" + whole("C4")
            for n in range(1, 2_000)
        )
    ),
    "a duration of 40 digits": part(whole("C4"), note("C4", "9" * 40)),
    "a duration of 10^6 digits": part(whole("C4"), note("C4", "9" * 10**6)),
    "a chord's duration": part(whole("C4") + note("E4", "9" * 20, first="<chord/>")),
    "a long backup": part(whole("C4") + "<backup><duration>99999999999999</duration></backup>"),
    "a long forward": part("<forward><duration>99999999999999</duration></forward>" + whole("C4")),
    "a far offset": part(f'<sound tempo="9"><offset>{"9" * 19}</offset></sound>' + whole("C4")),
    "10^9 times": part(FORWARD + whole("C4") + BACKWARD.format(' times="1000000000"')),
    "repeats within repeats": part(*[FORWARD + note("C4", 1)] * 60, *[BACKWARD.format("")] * 60),
    "endings without end": part(
        *(
            f'<barline><ending number="{n}" type="start"/></barline>{whole("C4")}<barline>'
            f'<ending number="{n}" type="stop"/><repeat direction="backward"/></barline>'
            for n in range(1, 3_000)
        )
    ),
    "an ending of 10^6 numbers": part(
        f'<barline><ending number="1-{10**6}" type="start"/></barline>{whole("C4")}'
        '<barline><ending number="1" type="stop"/><repeat direction="backward"/></barline>'
    ),
    "a chord of 20000 notes": part(CHORD),
    "20000 ties in one place": part(*[CHORD.replace("</note>", TIED + "</note>")] * 4),
    "a transposition": part(
        f"<attributes><transpose><chromatic>{'9' * 30}</chromatic></transpose>"
        f"</attributes>{whole('C4')}"
    ),
    "an octave": part(whole("C4").replace("<octave>4", f"<octave>{'9' * 30}")),
    "dots without end": part(
        "<direction><direction-type><metronome><beat-unit>quarter</beat-unit>"
        + "<beat-unit-dot/>" * 100_000
        + "<per-minute>60</per-minute></metronome></direction-type></direction>"
        + whole("C4")
    ),
    "a loudness": part(f'<sound dynamics="{"9" * 39}"/>' + whole("C4")),
    "a bar repeated for ever": part(
        '<attributes><measure-style><measure-repeat type="start">1</measure-repeat>'
        f"</measure-style></attributes>{CHORD}",
        *[""] * 20_000,
    ),
    "10^5 empty bars": part(*["<measure/>"] * 100_000, whole("C4")),
    "many changes": part(*['<sound tempo="60"/>' * 150_000 + whole("C4")]),
    "changes repeated": part(
        FORWARD + '<sound tempo="60"/>' * 1_000 + note("C4", 1) + BACKWARD.format(' times="20000"')
    ),
}
CHILD = f"""
import resource, sys
from pathlib import Path
from ostinato.errors import UnreadableError
from ostinato.music.musicxml import read_musicxml
resource.setrlimit(resource.RLIMIT_DATA, ({MEMORY}, {MEMORY}))
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        piece = read_musicxml(path, path.stem)
        piece.barlines()
        print(path.stem, "read", len(piece.notes), sep="\\t")
    except UnreadableError as error:
        print(path.stem, "refused", error, sep="\\t")
# not ru_maxrss, which a process takes over from the one that started it
peak = next(x for x in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in x)
print("peak", int(peak.split()[1]) * 1024, sep="\\t")
"""


def test_what_a_large_number_leads_to_is_bounded(tmp_path: Path) -> None:
    """Beats, divisions, durations, repeats: none costs more than what is written."""
    for name, its in LARGE.items():
        (tmp_path / f"{name}.xml").write_bytes(score(its))
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    found = {name: rest for name, *rest in (x.split("\t") for x in done.stdout.splitlines())}
    (peak,) = found.pop("peak")
    assert set(found) == set(LARGE)
    assert found["10^7 beats"] == found["10^9 beats"] == ["read", "1"]
    assert found["a chord of 20000 notes"] == ["read", "20000"]
    assert found["10^9 times"] == ["refused", "with its repeats it is far too long"]
    assert int(peak) < 2 * MEMORY

"""The sound of a note: pitch, program, and whether it is a drum."""

from xml.etree.ElementTree import Element

from ostinato.errors import UnreadableError
from ostinato.music.musicxml import attributes
from ostinato.music.musicxml.instruments import Instrument, Instruments
from ostinato.music.musicxml.numbers import whole

STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
MOST_ALTERED = 12  # semitones
MOST_OCTAVES = 1_000  # out of MIDI's range, which is said later
Sound = tuple[int, int, bool]


class Sounds:
    """The sounds of one part, as its instruments, transpositions and clef have them."""

    def __init__(self, instruments: Instruments) -> None:
        self.instruments = instruments
        self.transposed = False  # whether the part sounds in another key than it is written in
        self.names: dict[tuple[int, bool], str] = {}
        """Of the instruments that play, by program and whether they are drums."""
        self._percussion = False  # whether the clef is the one of percussion
        self._transpose: dict[str, Element] = {}  # by staff; "" for all of them
        self._moved: dict[str, tuple[int, ...]] = {"": (0,)}

    def clef(self, clef: Element) -> None:
        """Take a clef for the notes that follow."""
        self._percussion = (clef.findtext("sign") or "").strip() == "percussion"

    def transpose(self, transpose: Element) -> None:
        """Take a transposition for the notes that follow."""
        staff = transpose.get("number", "")
        self._transpose[staff] = transpose
        self._moved[staff] = attributes.semitones(transpose)
        self.transposed |= any(moved % 12 for moved in self._moved[staff])

    def key(self, key: Element) -> tuple[int, bool] | None:
        """Return a key as it sounds, None where it is unreadable."""
        return attributes.key(key, self._transpose.get("1", self._transpose.get("")))

    def of_note(self, note: dict[str, Element]) -> list[Sound]:
        """Return pitch, program and whether it is a drum, twice where an octave is doubled.

        A note is its elements by tag. Raises `UnreadableError` where the note does not say it.
        """
        named = note.get("instrument")
        instrument = self.instruments.find(None if named is None else named.get("id"))
        written = note.get("pitch")
        unpitched = written is None or (instrument.drums and instrument.key is not None)
        # Some number the channels of pitched parts through; only a drum kit has program 0 there.
        kit = instrument.drums and (self._percussion or instrument.program == 0)
        drum = unpitched or kit
        self.names.setdefault((instrument.program, drum), instrument.name)
        if written is None or unpitched:
            return [(self._drum(note, instrument), instrument.program, True)]
        pitch = _pitch(written)
        moved = self._moved[""]
        if len(self._moved) > 1:
            staff = note.get("staff")
            moved = self._moved.get((staff is not None and staff.text) or "1", moved)
        return [(pitch + semitones, instrument.program, drum) for semitones in moved]

    def _drum(self, note: dict[str, Element], instrument: Instrument) -> int:
        if "unpitched" not in note and "pitch" not in note:
            raise UnreadableError("it has a note without a pitch")
        key = instrument.key
        if key is None:
            key = instrument.key_by_name(self.instruments.part)
        named = note.get("instrument")
        known = named is not None and named.get("id") in self.instruments.by_id
        if key is None or (not known and self.instruments.has_several_drums()):
            raise UnreadableError(
                "it has notes without a pitch, and does not say which drum (midi-unpitched)"
            )
        return key


def _pitch(written: Element) -> int:
    step = STEPS.get((written.findtext("step") or "").strip())
    octave, alter = whole(written.findtext("octave")), written.findtext("alter")
    altered = whole(alter) if alter else 0
    if step is None or octave is None or altered is None:
        raise UnreadableError("it has a pitch that is none")
    if abs(altered) > MOST_ALTERED:
        raise UnreadableError(f"it has a note altered by more than {MOST_ALTERED} semitones")
    return 12 * (min(max(octave, -MOST_OCTAVES), MOST_OCTAVES) + 1) + step + altered

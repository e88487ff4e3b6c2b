"""The instruments of a score's part-list: programs, and the sounds of drums."""

from dataclasses import dataclass, field, replace
from xml.etree.ElementTree import Element

from ostinato.music.musicxml.numbers import whole

DRUMS = 10  # the MIDI channel of drums, counted from 1
# General MIDI's percussion keys by words of an instrument's name, the more particular first.
KEYS_BY_NAME = {
    "bass drum": 36,
    "kick": 36,
    "side stick": 37,
    "rim": 37,
    "snare": 38,
    "side drum": 38,
    "clap": 39,
    "pedal hi-hat": 44,
    "open hi-hat": 46,
    "hi-hat": 42,
    "hi hat": 42,
    "tom": 47,
    "ride": 51,
    "crash": 49,
    "tam-tam": 52,
    "gong": 52,
    "cymbal": 49,
    "tambourine": 54,
    "cowbell": 56,
    "bongo": 60,
    "conga": 63,
    "timbale": 65,
    "cabasa": 69,
    "maraca": 70,
    "guiro": 73,
    "clave": 75,
    "wood block": 76,
    "woodblock": 76,
    "triangle": 81,
    "shaker": 82,
}


@dataclass(frozen=True)
class Instrument:
    """The sound of one instrument's notes."""

    name: str = ""
    program: int = 0  # from 0
    drums: bool = False  # whether it is on the channel of drums
    key: int | None = None  # MIDI's number of an unpitched sound, from 0

    def changed_by(self, midi: Element) -> "Instrument":
        """Return the instrument as a `midi-instrument` has it; unreadable numbers count as none."""
        channel = whole(midi.findtext("midi-channel"))
        program = whole(midi.findtext("midi-program"))
        key = whole(midi.findtext("midi-unpitched"))
        return replace(
            self,
            drums=self.drums if channel is None else channel == DRUMS,
            program=program - 1 if program is not None and 1 <= program <= 128 else self.program,
            key=key - 1 if key is not None and 1 <= key <= 128 else self.key,
        )

    def key_by_name(self, part: str) -> int | None:
        """Return the percussion key that the instrument's name, or else its part's, tells."""
        for name in (self.name.lower(), part.lower()):
            for words, key in KEYS_BY_NAME.items():
                if words in name:
                    return key
        return None


@dataclass
class Instruments:
    """The instruments of a part by their ids; the first plays what names none."""

    part: str = ""  # the part's name
    by_id: dict[str, Instrument] = field(default_factory=dict)

    def find(self, name: str | None) -> Instrument:
        """Return the instrument of an id, or the first where the part has no such id."""
        found = self.by_id.get(name or "")
        return found or next(iter(self.by_id.values()), Instrument())

    def has_several_drums(self) -> bool:
        """Return whether a note must say which it is."""
        return len({instrument.key for instrument in self.by_id.values()} - {None}) > 1

    def change(self, midi: Element) -> None:
        """Change an instrument from here on, as a `midi-instrument` within the music says."""
        name = midi.get("id", "")
        self.by_id[name] = self.find(name).changed_by(midi)


def instruments_of(score: Element) -> dict[str, Instruments]:
    """Return the instruments of each part by the part's id."""
    return {part.get("id", ""): _of_part(part) for part in score.findall("part-list/score-part")}


def _of_part(part: Element) -> Instruments:
    found: dict[str, Instrument] = {}
    for element in part.findall("score-instrument"):
        name = " ".join((element.findtext("instrument-name") or "").split())
        found[element.get("id", "")] = Instrument(name)
    for midi in part.findall("midi-instrument"):
        name = midi.get("id", "")
        found[name] = found.get(name, Instrument()).changed_by(midi)
    return Instruments(part.findtext("part-name") or "", found)

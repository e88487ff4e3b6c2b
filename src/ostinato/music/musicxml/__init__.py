"""Reading MusicXML: the XML itself becomes a `Piece`.

Source: W3C, MusicXML 4.0 (https://www.w3.org/2021/06/musicxml40/), whose words the modules use.
"""

from ostinato.music.musicxml.score import read_musicxml

__all__ = ["read_musicxml"]

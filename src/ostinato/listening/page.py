"""The page of a listening test: one HTML file that needs no network and names no system."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostinato.listening.protocol import MINIMUM_SECONDS, PROTOCOL, Key
from ostinato.music.page import base64_text, render_template
from ostinato.music.sound import SAMPLE_RATE


@dataclass(frozen=True)
class TestPage:
    """The content of the page. given: by pair, how many seconds of each side are in the other too;
    sounds: an MP3 of each clip.
    """

    __test__ = False  # no test of pytest's

    key: Key
    given: Mapping[str, tuple[float, float]]
    sounds: Mapping[str, bytes]


def show_pairs(page: TestPage) -> str:
    """Return the page as HTML; of the key it holds ids alone."""
    return render_template(
        "listening/test.html.jinja",
        data=_data(page),
        sounds={clip: base64_text(mp3) for clip, mp3 in page.sounds.items()},
        count=len(page.given),
        minimum=round(MINIMUM_SECONDS),
        prompted=any(sum(seconds) for seconds in page.given.values()),
        rate=SAMPLE_RATE,
    )


def _data(page: TestPage) -> dict[str, Any]:
    """Return what the script of the page works with."""
    key = page.key
    return {
        "protocol": PROTOCOL,
        "test": key.test,
        "seed": key.seed,
        "minimum": MINIMUM_SECONDS,
        "clips": {id_: {"system": c.system, "seconds": c.seconds} for id_, c in key.clips.items()},
        "pairs": [
            {"id": id_, "clips": [clip.clip for clip in clips], "given": list(page.given[id_])}
            for id_, clips in key.pairs.items()
        ],
    }

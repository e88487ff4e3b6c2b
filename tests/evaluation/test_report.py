"""The report shows what it is given, in one file."""

import base64
import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest

from ostinato.evaluation.distances.comparison import DistanceFigure, SetDistances
from ostinato.evaluation.report import CopiesSection, Origin, Report, report_page, write_plots
from ostinato.evaluation.sets import DEGREES, DURATIONS, Comparison, Spread
from ostinato.evaluation.small_multiples import HELD_OUT, SAMPLES, TRAINING
from ostinato.evaluation.verdict import Headline, Verdict
from ostinato.music.page import Sample
from ostinato.music.piece import NOTE, Piece, array

EVEN = [1 / 12] * 12
SOUND = b"ID3 stands for sound here"
REPORT = Report(
    title="Chorales & <canons>",
    verdict=Verdict("Better than <nothing>", ["By far."], ["Too <loud>."]),
    samples=[
        Sample("one", Piece("one", 4, array(NOTE, onset=0, duration=4, pitch=60)), {None: SOUND})
    ],
    origin=Origin(
        "Music like <that>.",
        "ostinato run \"corpus.name='a & b'\"",
        ["Not <all> of it."],
        {"fingerprint of the pieces": "0123abcd"},
    ),
    headlines=[Headline("nats per note", "how surprising", "1.250", "2.500", "lower")],
    values={
        "pitch_range": {SAMPLES: [30.0, 31.0], HELD_OUT: [34.0, 36.0], TRAINING: [33.0, 35.0, 36.0]}
    },
    listen="../samples/listen.html",
    settings={"model": "lstm", "seed": 1},
    likelihoods={
        "lstm": {"per token": 0.512, "per note": 1.25, "per quarter note": 4.75},
        "bigram": {"per token": 1.125, "per note": 2.5, "per quarter note": 12.34},
        "unigram": {"per token": 2.125, "per note": None},
    },
    measures={"pitch_range": Comparison(Spread(34.2, 3.1, 8), Spread(35.5, 3.6, 77), 0.87)},
    findings={"longest run copied": "14 notes"},
    curves=[
        {"epoch": 0, "train": 2.0, "validation": 2.1},
        {"epoch": 1, "train": 1.0, "validation": None},
        {"epoch": 2, "train": 0.8, "validation": 1.2},
    ],
    degrees={"generated": EVEN, "test": EVEN},
    durations={"generated": [1.0] + [0.0] * 16, "test": [1 / 17] * 17},
    pictures={"one": b"\x89PNG of one"},
)


def rows(page: str) -> list[list[str]]:
    """The text of the cells of each table row."""
    found = re.findall(r"<tr.*?</tr>", page, re.DOTALL)
    cells = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.DOTALL) for row in found]
    return [[re.sub(r"<span.*?</span>", "", cell) for cell in row] for row in cells]


def test_likelihoods_stand_beside_their_baselines() -> None:
    table = rows(report_page(REPORT))
    assert ["model", "per token", "per note", "per quarter note"] in table
    assert ["lstm", "0.512", "1.250", "4.750"] in table
    assert ["bigram", "1.125", "2.500", "12.3"] in table
    assert ["unigram", "2.125", "–", "–"] in table


def test_measures_stand_beside_those_of_the_test_set() -> None:
    page = report_page(REPORT)
    assert ["pitch range", "34.2 ± 3.1", "35.5 ± 3.6", "0.87", "–"] in rows(page)
    assert "from the lowest to the highest pitch, semitones · muspy" in page


def test_distances_stand_beside_real_music_with_intervals() -> None:
    figure = DistanceFigure(0.671, 0.424, 0.918, 0.513, 0.343, 0.7)
    found = SetDistances(
        {"interval_nearest_neighbour": figure},
        {"pitch_range": 0.9},
        samples=6,
        test=41,
        control=100,
        drawn=6,
    )
    page = report_page(replace(REPORT, distances=found))
    row = ["interval nearest neighbour", "0.671 (0.424 to 0.918)", "0.513 (0.343 to 0.700)"]
    assert [*row, "lower"] in rows(page)
    assert ["pitch range", "34.2 ± 3.1", "35.5 ± 3.6", "0.87", "0.90"] in rows(page)
    assert "6 samples are few" in page


def test_settings_and_findings_are_told() -> None:
    table = rows(report_page(REPORT))
    assert ["seed", "1"] in table
    assert ["longest run copied", "14 notes"] in table


def test_the_report_is_one_file() -> None:
    page = report_page(REPORT)
    sources = re.findall(r'src="(.*?)"', page)
    assert len(sources) == 4
    pictures = [
        base64.b64decode(source.removeprefix("data:image/png;base64,")) for source in sources
    ]
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert pictures[-1] == b"\x89PNG of one"
    bare = re.sub(r'base64,[\w+/=]+|class="sound">[\w+/=]+', "", page)
    assert not re.search(r"https?:|//\w|@import|url\(", bare)
    assert "Chorales &amp; &lt;canons&gt;" in page


def test_the_verdict_comes_first_and_warnings_stand_out() -> None:
    page = report_page(REPORT)
    places = [
        page.index(text)
        for text in ("Better than &lt;nothing&gt;", "By far.", "Too &lt;loud&gt;.", "Likelihood<")
    ]
    assert places == sorted(places)
    assert '<section class="card warning" role="alert"><p>Too &lt;loud&gt;.</p>' in page


def test_the_page_goes_from_what_was_asked_to_the_command_that_runs_it_again() -> None:
    copies = CopiesSection([("flagged as copies", "1 of 8", "0 of 77")], [], {}, 1)
    page = report_page(replace(REPORT, originality=copies))
    order = ("What was asked", "What came", 'class="sound"', "Originality", "Distributions")
    order += ("Likelihood", "Learning curves", "Settings", "Run it again")
    places = [page.index(f">{text}" if "=" not in text else text) for text in order]
    assert places == sorted(places)
    assert (
        '<pre class="command">ostinato run &#34;corpus.name=&#39;a &amp; b&#39;&#34;</pre>' in page
    )
    assert "Not &lt;all&gt; of it." in page
    assert ["fingerprint of the pieces", "0123abcd"] in rows(page)


def test_the_figures_that_count_stand_first_beside_their_controls() -> None:
    figure = DistanceFigure(0.671, 0.424, 0.918, 0.513, 0.343, 0.7)
    found = SetDistances(
        {"interval_nearest_neighbour": figure, "frechet": figure}, {}, 6, 41, 100, 6
    )
    copies = CopiesSection([("flagged as copies", "1 of 8", "0 of 77")], [], {}, 1)
    table = rows(report_page(replace(REPORT, distances=found, originality=copies)))
    first = table.index(["figure", "this model", "control", "better is"])
    assert table[first + 1 : first + 4] == [
        ["nats per note", "1.250", "2.500", "lower"],
        ["interval nearest neighbour", "0.671 (0.424 to 0.918)", "0.513 (0.343 to 0.700)", "lower"],
        ["flagged as copies", "1 of 8", "0 of 77", "–"],
    ]


def test_distributions_of_three_sets_are_drawn_in_the_page() -> None:
    page = report_page(REPORT)
    [panel] = re.findall(r'<figure class="panel">.*?</figure>', page, re.DOTALL)
    label = "pitch range: samples 30.5, held-out music 35.0, training music 34.7 (semitones)"
    assert f'role="img" aria-label="{label}"' in panel
    for part in (
        'class="set-1"',
        'class="set-2"',
        'class="set-3"',
        'class="area"',
        'class="marks"',
    ):
        assert panel.count(part) == 1
    for named in ("samples, 2", "held-out music, 2", "training music, 3"):
        assert named in page


def test_a_command_that_is_not_known_is_not_shown() -> None:
    page = report_page(Report("elsewhere", origin=Origin("Music.", "", ["It is not known."])))
    assert "It is not known." in page
    assert "<pre" not in page
    assert "From the project" not in page


def test_details_are_folded() -> None:
    folded = " ".join(re.findall(r"<details.*?</details>", report_page(REPORT), re.DOTALL))
    for detail in ("pitch range", "longest run copied", "seed", "Piano-roll of one"):
        assert detail in folded
    assert "per note" not in folded


def test_samples_are_heard_in_the_report_and_lead_to_all_of_them() -> None:
    page = report_page(REPORT)
    [sound] = re.findall(r'class="sound">([\w+/=]+)<', page)
    assert base64.b64decode(sound) == SOUND
    assert 'href="../samples/listen.html"' in page


def test_a_few_pieces_have_no_standard_deviation() -> None:
    few = Comparison(Spread(34.25, 3.1, 2), Spread(35.5, 3.6, 77), 0.87)
    page = report_page(Report("few", measures={"pitch_range": few}))
    assert ["pitch range", "34.2", "35.5 ± 3.6", "0.87", "–"] in rows(page)


def test_metrics_stand_under_the_name_of_their_group() -> None:
    one = Comparison(Spread(1, 0, 2), Spread(1, 0, 2), 1)
    names = ("polyphony", "final_cadence", "pitch_range", "unknown")
    page = report_page(Report("groups", measures=dict.fromkeys(names, one)))
    first = [row[0] for row in rows(page)]
    headed = ["<strong>pitch</strong>", "polyphony", "pitch range"]
    headed += ["<strong>harmony</strong>", "final cadence", "<strong>other</strong>", "unknown"]
    assert [name for name in first if name in headed] == headed


def test_equal_reports_give_equal_pages() -> None:
    assert report_page(REPORT) == report_page(REPORT)


def test_what_is_not_known_is_left_out() -> None:
    page = report_page(Report("nothing yet"))
    assert "<h1>nothing yet</h1>" in page
    assert "<table" not in page
    assert "<img" not in page


def test_plots_are_tables_for_dvc(tmp_path: Path) -> None:
    def table(name: str) -> list[dict[str, str]]:
        with (tmp_path / name).open(encoding="utf-8") as file:
            return list(csv.DictReader(file))

    written = write_plots(REPORT, tmp_path)
    assert sorted(written) == sorted(tmp_path.iterdir())
    assert table("curves.csv")[1] == {"epoch": "1", "train": "1.0", "validation": ""}
    classes = table("pitch_classes.csv")
    assert [row["degree"] for row in classes] == [*DEGREES, *DEGREES]
    assert {row["set"] for row in classes} == {"generated", "test"}
    assert sum(float(row["share"]) for row in classes) == pytest.approx(2, abs=1e-4)
    assert [row["duration"] for row in table("durations.csv")] == [*DURATIONS, *DURATIONS]

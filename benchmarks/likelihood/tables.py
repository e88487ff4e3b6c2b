"""Write RESULTS.md and the table of docs/results.md, from what is measured and published."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import yaml

from ostinato.files import write_json, write_text

HERE = Path(__file__).parent
SUMMARY = HERE.parents[1] / "docs" / "results.md"
BEGIN, END = "<!-- likelihood table -->", "<!-- end of the likelihood table -->"
SIXTEENTHS = "Chorales in sixteenth notes, test nats per token of four voices:"
FRAMES = {
    "jsb": "JSB",
    "nottingham": "Nottingham",
    "musedata": "MuseData",
    "piano_midi": "Piano-midi.de",
}
TOKENS = {"jsb16": "JSB in sixteenths"}
KEY = ("row", "corpus", "seed")

Result = dict[str, Any]


def read_results(folder: Path = HERE) -> list[Result]:
    """Every result so far."""
    file = folder / "results.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else []


def add_result(result: Result, folder: Path = HERE) -> list[Result]:
    """Keep a result in place of an earlier one of the same row, corpus and seed."""

    def key(one: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(one[name] for name in KEY)

    others = [other for other in read_results(folder) if key(other) != key(result)]
    results = sorted([*others, result], key=key)
    write_json(folder / "results.json", results)
    return results


def write_tables(folder: Path = HERE, summary: Path = SUMMARY) -> None:
    """Write RESULTS.md, and the table between two marks of docs/results.md."""
    results, published = read_results(folder), _published()
    file = folder / "audit.json"
    audits = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    write_text(folder / "RESULTS.md", _page(results, published, audits))
    text = summary.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"{summary} has no table to replace: put {BEGIN} and {END} around it.")
    frames = compared(results, published["frames"], FRAMES)
    tokens = compared(results, published["sixteenths"], TOKENS)
    write_text(summary, f"{before}{BEGIN}\n{frames}\n\n{SIXTEENTHS}\n\n{tokens}\n{END}{after}")


def compared(
    results: Iterable[Result], published: Iterable[Mapping[str, Any]], corpora: Mapping[str, str]
) -> str:
    """Our rows, then those of others: a column for each corpus, nats of the test split.

    A row is called by what follows its corpus: jsb_gru and nottingham_gru are both `gru`. Of
    several rows for one cell the one with the best validation stands there; seeds are averaged.
    """
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    best: dict[tuple[str, str], float] = {}
    for (row, corpus), runs in _grouped(results).items():
        name = row.partition("_")[2]
        validation = mean(run["validation"] for run in runs)
        if corpus in corpora and validation < best.get((name, corpus), float("inf")):
            best[name, corpus] = validation
            cells[name][corpus] = f"**{mean(run['test'] for run in runs):.3f}**"
    ours = [[f"Ostinato, `{name}`", *_cells(cells[name], corpora), ""] for name in sorted(cells)]
    theirs = [[row["model"], *_cells(row, corpora), _source(row)] for row in published]
    return markdown(["", *corpora.values(), ""], ours + theirs)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "".join(f"| {cell} " if cell else "| " for cell in line) + "|" for line in lines
    )


def _grouped(results: Iterable[Result]) -> dict[tuple[str, str], list[Result]]:
    groups = defaultdict(list)
    for result in results:
        groups[result["row"], result["corpus"]].append(result)
    return groups


def _cells(row: Mapping[str, Any], corpora: Iterable[str]) -> list[str]:
    return [f"{row[c]}" if c in row else "" for c in corpora]


def _source(row: Mapping[str, Any]) -> str:
    return "; ".join(row[name] for name in ("source", "note") if name in row)


def _published() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((HERE / "published.yaml").read_text(encoding="utf-8"))
    return read


def _page(
    results: Sequence[Result], published: Mapping[str, Any], audits: Mapping[str, Any]
) -> str:
    sources = [f"- {name}: {text}." for name, text in published["sources"].items()]
    parts = [
        "# Likelihood on published splits",
        "Written by `make bench-likelihood`; what is summed, and how, is in "
        "[docs/likelihood.md](../../docs/likelihood.md).",
        "## Piano-rolls: test nats per frame",
        compared(results, published["frames"], FRAMES),
        "Other estimators, which cannot be checked:",
        compared([], published["unchecked"], FRAMES),
        "## Chorales in sixteenth notes: test nats per token of four voices",
        compared(results, published["sixteenths"], TOKENS),
        "## Every run",
        _runs(results) if results else "None yet.",
        "## What the test splits share with their training splits",
        _audits(audits) if audits else "Not audited yet.",
        "## Sources",
        "\n".join(sources),
    ]
    return "\n\n".join(parts) + "\n"


def _runs(results: Iterable[Result]) -> str:
    head = ["row", "corpus", "seed", "test", "validation", "without first", "leaked", "clean"]
    rows = []
    for run in results:
        names = ("test", "validation", "without_first", "leaked", "clean")
        figures = [f"{run[name]:.3f}" if run.get(name) is not None else "" for name in names]
        parameters = f"{run['parameters']:,}" if "parameters" in run else ""
        about = [f"{run['minutes']:.1f}", parameters]
        rows.append([f"`{run['row']}`", run["corpus"], str(run["seed"]), *figures, *about])
    return markdown([*head, "minutes", "parameters"], rows)


def _audits(audits: Mapping[str, Any]) -> str:
    head = ["corpus", "test frames", "covered", "pieces", "leaked", "the same piece"]
    rows = [
        [
            corpus,
            f"{a['frames']:,}",
            f"{a['covered'] / a['frames']:.1%}",
            *(str(a[name]) for name in ("pieces", "leaked", "duplicates")),
        ]
        for corpus, a in audits.items()
    ]
    return markdown(head, rows)

"""The pages of the guide: short, linked, and naming only options that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
LINKED = [README, ROOT / "CONTRIBUTING.md", *PAGES]
LONGEST_PAGE, LONGEST_README = 120, 200  # lines
FIRST_COMMANDS = 10  # by this line a page shows what to type
LINK = re.compile(r"\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# a choice of a group on a command line; `model.size=tiny` and `model/frame_head=…` are none
OPTION = re.compile(r"(?<![\w./])(\w+)=([\w/]+(?:,[\w/]+)*)")
OF_THE_READER = {"my_rnn", "jazz", "theirs", "ours", "NAME"}  # files that a page has them write


def name_of(page: Path) -> str:
    """Return a page's path from the root, which names a test."""
    return page.relative_to(ROOT).as_posix()


def heading_anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def relative_links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield the file and the anchor of each link of a page that stays in the repository."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        if not re.match(r"\w+:", target):
            path, _, anchor = target.partition("#")
            yield ((page.parent / path).resolve() if path else page), anchor


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_is_short(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) <= LONGEST_PAGE


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= LONGEST_README


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_begins_with_a_title_and_commands(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert any(line.startswith("```") for line in lines[1:FIRST_COMMANDS])


@pytest.mark.parametrize("page", LINKED, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target, anchor in relative_links(page):
        assert target.exists(), f"{name_of(page)} links to {target}, which is not there"
        if anchor:
            assert anchor in heading_anchors(target), f"{target} has no heading for #{anchor}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, waiting = {README}, [README]
    while waiting:
        for target, _ in relative_links(waiting.pop()):
            if target.suffix == ".md" and target.exists() and target not in seen:
                seen.add(target)
                waiting.append(target)
    assert [name_of(page) for page in PAGES if page not in seen] == []


@pytest.mark.parametrize("page", LINKED, ids=name_of)
def test_every_option_that_a_page_names_is_a_file_of_conf(page: Path) -> None:
    groups = {folder.name for folder in (ROOT / "conf").iterdir() if folder.is_dir()}
    for group, options in OPTION.findall(page.read_text(encoding="utf-8")):
        for option in options.split(",") if group in groups else ():
            file = ROOT / "conf" / group / f"{option}.yaml"
            known = option in OF_THE_READER or file.exists()
            assert known, f"{name_of(page)} says {group}={option}, and {file} is not there"

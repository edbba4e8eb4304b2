"""The reference pages say what the program does now."""

from pathlib import Path

import pytest

from kuberklone.cli import pages

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", list(pages.all_pages()))
def test_a_reference_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text() == pages.all_pages()[name], "run python -m kuberklone.cli.pages"


@pytest.mark.parametrize(("words", "command"), [pytest.param(*each, id=each[0]) for each in pages.commands()])
def test_a_command_says_what_it_does_and_shows_examples(words: str, command: pages._Command) -> None:
    assert command.help
    if words != "db":
        assert f"kuberklone {words}" in (command.epilog or "")

"""The pages name what there is: no more, no less, and in the same order where order matters."""

import itertools
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from controllers import catalogue
from kuberklone import errors
from kuberklone.api.problems import STATUS
from kuberklone.cli import pages
from kuberklone.kinds import catalogue as kinds_catalogue
from kuberklone.kinds import node, pod
from kuberklone.kinds.kind import SHARED_TABLE
from kuberklone.settings import NAMES
from kuberklone.store import schema
from tests.docs import reading
from tests.docs.reading import DOCS, ROOT

ARCHITECTURE = DOCS / "architecture.md"
README = ROOT / "README.md"
PAGES = [pytest.param(page, id=str(page.relative_to(ROOT))) for page in reading.pages()]


def rows_below(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    text = page.read_text().split(f"\n{heading}\n", 1)[1]
    lines = text[text.index("\n|") :].strip().splitlines()
    table = list(itertools.takewhile(bool, lines))
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[2:]]


def in_code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: Path) -> None:
    for path, part in reading.links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {path}"
        if part:
            assert part in {reading.anchor(heading) for heading in reading.headings(target)}, f"{path}#{part}"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_begins_with_its_title_and_holds_lines_that_can_be_read(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert lines[0].startswith("# ")
    # A row of a table cannot be broken.
    long = [line for line in lines if len(line) > 120 and not line.startswith("|")]
    assert not long or page.name in {"commands.md", "settings.md", "sql.md"}, long


def test_every_setting_has_a_heading() -> None:
    assert [word for word in reading.headings(DOCS / "settings.md") if word in NAMES] == list(NAMES)


def test_every_command_has_a_heading() -> None:
    assert reading.headings(DOCS / "commands.md")[1:] == [words for words, _ in pages.commands()]


def test_every_error_has_a_heading_and_its_status() -> None:
    text = (DOCS / "errors.md").read_text()
    said = dict(re.findall(r"^## (\w+)\n\nStatus (\d+)\.", text, re.MULTILINE))
    assert said == {error.__name__: str(status.value) for error, status in STATUS.items()}
    assert set(said) == {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.KuberkloneError)
    }


def test_every_controller_and_what_it_does_is_named() -> None:
    named = [in_code(row[0])[0] for row in rows_below(ARCHITECTURE, "## Processes")]
    assert sorted(set(named) - {"api"}) == catalogue.names()
    glossary = (DOCS / "glossary.md").read_text()
    assert [name for name in catalogue.names() if f"`{name}`" not in glossary] == []


def test_kinds_with_a_table_of_their_own_are_named() -> None:
    # The others are lines of docs/kubernetes.md, which is compared with the catalogue.
    kinds = [kind for kind in kinds_catalogue.catalogue().kinds if kind.table != SHARED_TABLE]
    assert len(kinds) >= 3
    listed = README.read_text().split("`kuberklone/kinds/` | what exists: ")[1].split(" |")[0]
    assert [kind.resource for kind in kinds if kind.resource not in listed] == []
    assert [kind.kind for kind in kinds if kind.kind not in (DOCS / "glossary.md").read_text()] == []


def test_the_layers_are_those_of_the_import_contracts() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (layers,) = (each["layers"] for each in config["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    section = ARCHITECTURE.read_text().split("## Layers")[1].split("\n## ")[0]
    numbered = re.findall(r"^\d+\. (.+)$", section, re.MULTILINE)
    assert [line.replace("`", "") for line in numbered] == layers


def test_every_column_has_a_writer() -> None:
    written: dict[str, list[str]] = {}
    for tables, columns, writer in rows_below(ARCHITECTURE, "## Who writes what"):
        assert writer
        for table in in_code(tables):
            written.setdefault(table, []).extend(in_code(columns) or ["all"])
    there = {table.name: {column.name for column in table.columns} for table in schema.metadata.sorted_tables}
    # Nodes have no namespace, though they share a line with pods.
    written["nodes"].remove("namespace")
    assert set(written) == set(there)
    for table, named in written.items():
        assert len(named) == len(set(named)), f"a column of {table} is named twice"
        if named != ["all"]:
            assert set(named) | _keys(table) == there[table]


def _keys(table: str) -> set[str]:
    """Keys of rows that are no records are written by whoever makes the row."""
    keys = {column.name for column in schema.metadata.tables[table].primary_key}
    return keys - {"uid"}


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        pytest.param("## Node", get_args(node.Status), id="status of a node"),
        pytest.param("### machine", get_args(node.Machine), id="machine"),
        pytest.param("### ready", get_args(node.Readiness), id="ready"),
        pytest.param("## Pod", (*get_args(pod.Phase), "Terminating"), id="status of a pod"),
    ],
)
def test_a_state_diagram_has_the_states_there_are(heading: str, words: tuple[str, ...]) -> None:
    section = (DOCS / "states.md").read_text().split(f"\n{heading}\n", 1)[1]
    diagram = section.split("```mermaid\n", 1)[1].split("```", 1)[0]
    drawn = {state for arrow in re.findall(r"^ +(\S+) --> (\S+)", diagram, re.MULTILINE) for state in arrow}
    assert drawn - {"[*]"} == set(words)


def test_the_words_for_a_node_are_listed_in_the_order_in_which_they_apply() -> None:
    listed = [row[0] for row in rows_below(DOCS / "states.md", "## Node")]
    said_by_code = re.findall(r'return "(\w+)"', _source_of(node, "def status("))
    assert listed == [*said_by_code, "NotReady"]


def _source_of(module: ModuleType, start: str) -> str:
    assert module.__file__ is not None
    return Path(module.__file__).read_text().split(start)[1].split("\n\n\n")[0]


def test_every_folder_of_tests_is_explained() -> None:
    explained = {in_code(row[0])[0] for row in rows_below(DOCS / "testing.md", "## Folders")}
    assert explained == {f"tests/{path.parent.name}" for path in (ROOT / "tests").glob("*/test_*.py")}


def test_every_decision_is_listed_and_has_its_three_parts() -> None:
    folder = DOCS / "decisions"
    records = sorted(folder.glob("[0-9]*.md"))
    numbers = [path.name[:4] for path in records]
    # Gaps are left: whoever works on something else at the same time counts from elsewhere.
    assert len(set(numbers)) == len(numbers)
    for path in records:
        text = path.read_text()
        assert [part for part in ("**Context.**", "**Choice.**", "**Consequence.**") if part not in text] == []
    listed = [f"- [{path.name[:4]}]({path.name}) {path.read_text().splitlines()[0][2:]}" for path in records]
    assert [line for line in (folder / "README.md").read_text().splitlines() if line.startswith("- ")] == listed


@pytest.mark.parametrize("page", PAGES)
def test_a_command_named_in_passing_exists(page: Path) -> None:
    known = {words for words, _ in pages.commands()} | {"--help", "--version"}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for code in in_code(reading.prose(page)):
        match code.split():
            case ["kuberklone", word, *_]:
                assert word in known, code
            case ["make", target, *_]:
                assert target in targets, code


def test_every_request_of_the_readme_is_there() -> None:
    requests = {
        (request.split()[0], request.split()[1].replace("NAME", "{name}"))
        for row in rows_below(README, "## The API")
        for request in in_code(row[0])
        if request.startswith(("GET", "POST", "PUT", "DELETE"))
    }
    declared = {
        (verb.upper(), re.sub(r":\w+", "", path))
        for file in (ROOT / "kuberklone/api").rglob("*.py")
        for verb, path in re.findall(r'@(get|post|put|delete)\(\s*"([^"]+)"', file.read_text())
    }
    assert {("POST", "/add_node"), ("GET", "/nodes")} <= requests
    assert requests - declared == set()

"""The documents: what they name is there, their links lead somewhere, their pictures are pictures."""

import ast
import os
import re
from functools import cache
from itertools import count
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "fireside"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
DESIGN = [ARCHITECTURE, *sorted((ROOT / "docs" / "adr").glob("*.md"))]
WRITTEN = {"fireside.db"}
"""What the server itself makes."""


def markdown() -> list[Path]:
    """Every Markdown file that is ours."""
    found: list[Path] = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name != "node_modules" and not name.startswith(".")]
        found.extend(Path(folder, name) for name in files if name.endswith(".md"))
    return sorted(found)


def named(paths: list[Path]) -> list[str]:
    """For the names of tests."""
    return [str(path.relative_to(ROOT)) for path in paths]


# ── the steps of a message ───────────────────────────────────────────────────────────────────────────────────────


def code(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def steps() -> list[tuple[int, list[str], list[str]]]:
    """The table: number, files, functions."""
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", ARCHITECTURE.read_text(), re.MULTILINE)
    return [(int(number), code(files), code(functions)) for number, files, functions in rows]


@cache
def functions_of(path: Path) -> frozenset[str]:
    """The names of the functions and methods that a file defines: `function`, `Class.method`."""
    defined: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            defined.add(node.name)
        elif isinstance(node, ast.ClassDef):
            inside = (each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
            defined.update(f"{node.name}.{each.name}" for each in inside)
    return frozenset(defined)


def test_a_function_is_found_where_it_is_and_nowhere_else() -> None:
    """The next test believes this one's helper."""
    found = functions_of(SOURCE / "core" / "errors.py")
    assert {"error_body", "every_code", "ChatError.__init__"} <= found
    assert not found & {"ChatError", "message", "ChatError.message", "Mapping"}


def test_the_steps_of_a_message_are_numbered_without_a_gap() -> None:
    numbers = [number for number, _, _ in steps()]
    assert len(numbers) > 10
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(("number", "files", "functions"), steps())
def test_each_step_is_done_where_the_table_says(number: int, files: list[str], functions: list[str]) -> None:
    assert files
    assert functions
    in_files = {file: functions_of(SOURCE / file) for file in files}
    for function in functions:
        assert any(function in found for found in in_files.values()), f"{function} is not in {files}"
    for file, found in in_files.items():
        assert found & set(functions), f"{file} has no part in step {number}"


def test_every_method_that_is_named_anywhere_is_there() -> None:
    everything = frozenset().union(*map(functions_of, SOURCE.rglob("*.py")))
    for page in DESIGN:
        methods = [name for name in code(page.read_text()) if re.fullmatch(r"_?[A-Z]\w+\.\w+", name)]
        known_elsewhere = {name for name in methods if name.startswith("asyncio.")}
        assert set(methods) - known_elsewhere <= everything, page.name


# ── paths, links, codes ──────────────────────────────────────────────────────────────────────────────────────────

FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)*\.(?:py|md|toml|lock|sh|mjs|js|json|db)")
FOLDER = re.compile(r"(?:[\w.-]+/)+")


def paths_in(text: str) -> set[str]:
    """Paths of files and folders in the text, in its pictures too; not addresses, and not patterns such as `<name>`."""
    words = {word.rstrip(".:") for word in re.findall(r"[^\s`|,;()\"'\[\]{}]+", re.sub(r"https?://\S+", "", text))}
    in_backticks = {word for word in code(text) if re.fullmatch(r"[a-z]+(?:/[a-z]+)+", word)}
    return in_backticks | {word for word in words if FILE.fullmatch(word) or FOLDER.fullmatch(word)}


def is_there(path: str) -> bool:
    if any((base / path).exists() for base in (ROOT, SOURCE)):
        return True
    # A bare name stands for everything of that name.
    name = path.removesuffix("/")
    return "/" not in name and any(found.is_dir() == path.endswith("/") for found in SOURCE.rglob(name))


@pytest.mark.parametrize("page", DESIGN, ids=named(DESIGN))
def test_every_path_that_a_page_of_the_design_names_is_there(page: Path) -> None:
    paths = paths_in(page.read_text())
    assert {path for path in paths if not is_there(path)} <= WRITTEN


def test_paths_are_found_and_missed() -> None:
    """The test above believes these."""
    text = (
        "`core/errors.py` in auth/authenticator.py. `store/sqlite`, sqlite/; `a/<n>/b.py`, https://x.org/y.py: end.py"
    )
    assert paths_in(text) == {"core/errors.py", "auth/authenticator.py", "store/sqlite", "sqlite/", "end.py"}
    assert all(map(is_there, ("core/errors.py", "service.py", "store/sqlite", "sqlite/", "docs/adr/")))
    assert not any(map(is_there, ("core/mistakes.py", "mistakes.py", "store/errors", "store/oracle", "errors/")))


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as a link spells them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", markdown(), ids=named(markdown()))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            there = (page.parent / path) if path else page
            assert there.exists(), target
            assert not anchor or anchor in anchors(there), target


# ── pictures ─────────────────────────────────────────────────────────────────────────────────────────────────────

OPENS = {"subgraph": "end", "loop": "end", "alt": "end", "opt": "end", "par": "end"}


def pictures() -> list[str]:
    return re.findall(r"^```mermaid\n(.*?)^```$", ARCHITECTURE.read_text(), re.MULTILINE | re.DOTALL)


def test_the_pictures_are_there_each_in_a_section_of_its_own() -> None:
    kinds = [picture.split(maxsplit=1)[0] for picture in pictures()]
    assert kinds == ["flowchart", "flowchart", "erDiagram", *["sequenceDiagram"] * 4, "flowchart"]
    sections = ARCHITECTURE.read_text().split("\n## ")[1:]
    assert [section.count("```mermaid") for section in sections] == [1] * 8


@pytest.mark.parametrize("picture", pictures(), ids=count(1))
def test_a_picture_closes_what_it_opens(picture: str) -> None:
    words = [line.split(maxsplit=1)[0] for line in picture.splitlines() if line.strip()]
    assert words.count("end") == sum(words.count(opening) for opening in OPENS)
    without_arrows = re.sub(r"[-.=<|o}{]*(--|==|\.\.)[-.>|o}{]*", "", re.sub(r'"[^"\n]*"', "", picture))
    said = re.sub(r": .*", "", without_arrows)
    for opening, closing in ("()", "[]", "{}"):
        assert said.count(opening) == said.count(closing), said


@pytest.mark.parametrize("picture", [each for each in pictures() if each.startswith("sequence")], ids=count(1))
def test_who_speaks_in_a_sequence_was_introduced_and_is_heard_to_the_end(picture: str) -> None:
    introduced = set(re.findall(r"participant (\w+)", picture))
    speaking = re.findall(r"^ *(\w+)-{1,2}>>(\w+):", picture, re.MULTILINE)
    assert len(speaking) > 3
    assert {name for pair in speaking for name in pair} <= introduced
    # Mermaid takes a semicolon for the end of the line, and the rest of the sentence for nonsense.
    assert ";" not in picture

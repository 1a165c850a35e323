"""Every sentence that a clinician can read, with the file it stands in."""

import ast
import re
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

Sentence = tuple[str, str]  # the file, from the project's root, and the text
APPS = ("patients", "scoring", "alerts", "clarity_site")
# One word that is written so is a name in the code: a field, a key, an address.
NAME = re.compile(r"[a-z0-9_./:\-]*")
# Nobody but operations and developers reads what these say.
NOT_READ = {"migrations", "management", "learning", "datasets"}
# Titles of papers, and notes for those who review the file.
NOT_SHOWN = {"source", "authored_by", "checked_by", "note", "sedentary_note", "why"}
TRANSLATED = re.compile(r'\{% translate "((?:[^"\\]|\\.)*)"[^%]*%\}')
READ_ATTRIBUTES = {"aria-label", "placeholder", "title", "alt", "data-label"}


def every_sentence() -> Iterator[Sentence]:
    """Of the code, the templates, the scripts and the rule files."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if not NOT_READ & set(path.parts):
                yield from ((key(path), text) for text in of_python(path.read_text()))
        for path in sorted((ROOT / app / "data").rglob("*.toml")):
            if path.name != "forbidden_words.toml":
                yield from ((key(path), text) for text in of_toml(path.read_text()))
    for path in sorted((ROOT / "templates").rglob("*.html")):
        yield from ((key(path), text) for text in of_template(path.read_text()))
    for path in sorted((ROOT / "static" / "js").glob("*.js")):
        yield from ((key(path), text) for text in of_script(path.read_text()))


def key(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def of_python(source: str) -> Iterator[str]:
    """Texts that are neither docstrings nor names; what is filled in counts as “…”."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        text = ""
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                str(v.value) if isinstance(v, ast.Constant) else "…" for v in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = "" if id(node) in docstrings | parts else node.value
        if not NAME.fullmatch(text.strip()):
            yield text


def of_toml(source: str) -> Iterator[str]:
    """Every text of the file but those for reviewers."""

    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            for name, item in value.items():
                if name not in NOT_SHOWN:
                    yield from texts(item)
        elif isinstance(value, list):
            for item in value:
                yield from texts(item)

    return texts(tomllib.loads(source))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in READ_ATTRIBUTES and value]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def of_template(source: str) -> Iterator[str]:
    """Its literal text and what is read aloud; tags and values are filled in with “…”."""
    page = _Page()
    said = TRANSLATED.sub(lambda found: found[1].replace('\\"', '"'), source)
    bare = re.sub(r"\{#.*?#\}|\{%.*?%\}", " ", said)
    page.feed(re.sub(r"\{\{.*?\}\}", "…", bare))
    page.close()
    return (" ".join(text.split()) for text in page.found if text.strip())


def of_script(source: str) -> Iterator[str]:
    """What stands in quotes."""
    code = re.sub(r"^\s*//[^\n]*$|/\*.*?\*/", "", source, flags=re.MULTILINE | re.DOTALL)
    for groups in re.findall(r"\"([^\"\n]*)\"|'([^'\n]*)'|`([^`]*)`", code):
        yield "".join(groups)

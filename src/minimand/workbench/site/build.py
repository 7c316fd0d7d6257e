"""Building the site: hand-written and generated pages together in one folder, then mkdocs, then every link is followed.

`python -m minimand.workbench.site.build --docs docs --out site`; `make docs` does it.
"""

from __future__ import annotations

import argparse
import html.parser
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from minimand.errors import InputError
from minimand.workbench.site.markdown import formulas_drawn
from minimand.workbench.site.pages import generated_pages

CONFIGURATION = """\
site_name: minimand
site_description: What a model should minimise
docs_dir: {source}
site_dir: {out}
use_directory_urls: false
theme:
  name: material
  font: false
  palette:
    - media: "(prefers-color-scheme: light)"
      scheme: default
      primary: blue grey
    - media: "(prefers-color-scheme: dark)"
      scheme: slate
      primary: blue grey
plugins: [search]
markdown_extensions: [admonition, tables, fenced_code, attr_list, toc]
extra_css: [site.css]
validation:
  links: {{absolute_links: warn, unrecognized_links: warn, anchors: warn}}
nav:
{nav}
"""

STYLE = """\
math { font-family: math; }
/* a table has the width that there is, and breaks no name; identifiers of tests, in last columns, may be broken */
.md-grid { max-width: 96rem; }
.md-typeset p, .md-typeset ul, .md-typeset ol, .md-typeset pre { max-width: 44rem; }
.md-typeset table:not([class]) th, .md-typeset table:not([class]) td { min-width: 0; padding: .5em .6em; }
.md-typeset table code { word-break: normal; overflow-wrap: normal; }
.md-typeset table td:last-child code { overflow-wrap: anywhere; }
"""
WIDE = ("capabilities.md", "mutants.md", "verdicts.md")
"""Pages of one wide table, which need the room of the table of contents."""


def assemble(docs: Path, readme: Path, source: Path) -> None:
    """Put every page of the site into one folder: the README as its front page, what is written, what is generated.

    Args:
        docs: the folder of the hand-written pages; their links to the folders beside it are followed, too.
        readme: becomes the front page; its links into `docs` are followed.
        source: an empty folder.

    Raises:
        InputError: a formula of a hand-written page cannot be drawn.
    """
    for file in sorted(docs.rglob("*")):
        if file.is_file():
            target = source / file.relative_to(docs)
            target.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix == ".md":
                target.write_text(_drawn(file).replace("](../", "]("), encoding="utf-8")
            else:
                shutil.copyfile(file, target)
    (source / "site.css").write_text(STYLE, encoding="utf-8")
    front = _drawn(readme).replace("](docs/", "](")
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        front = front.replace(f"]({name}", f"]({name.lower()}")
    (source / "index.md").write_text(front, encoding="utf-8")
    root = readme.parent
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        text = _drawn(root / name).replace("](docs/", "](")
        (source / name.lower()).write_text(text, encoding="utf-8")
    for file in sorted((root / "benchmarks").rglob("*")):
        if file.is_file() and file.suffix in (".py", ".json"):
            target = source / file.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    for path, text in generated_pages().items():
        target = source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    for page in (source / name for name in WIDE):
        if page.is_file():
            page.write_text("---\nhide: [toc]\n---\n\n" + page.read_text(encoding="utf-8"), encoding="utf-8")


def _drawn(file: Path) -> str:
    try:
        return formulas_drawn(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{file}: {error}") from error


def navigation(source: Path) -> str:
    """The navigation in YAML: the hand-written pages in a sensible order, then what is generated."""
    first = ["index.md", "choose.md", "compare.md", "contracts.md", "claims.md"]
    last = ["verdicts.md", "components/index.md", "bibliography.md", "contributing.md", "changelog.md"]
    written = sorted(file.name for file in source.glob("*.md"))
    middle = [name for name in written if name not in (*first, *last)]
    pages = [name for name in (*first, *middle, *last) if (source / name).is_file()]
    return "\n".join(f"  - {name}" for name in pages)


def build(docs: Path, readme: Path, out: Path) -> None:
    """Build the site into `out`.

    Raises:
        InputError: mkdocs finds a mistake, a link leads nowhere, or a formula is shown as LaTeX.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "pages"
        source.mkdir()
        assemble(docs, readme, source)
        configuration = Path(folder) / "mkdocs.yml"
        text = CONFIGURATION.format(source=source, out=out.resolve(), nav=navigation(source))
        configuration.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", str(configuration)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InputError(f"mkdocs refuses the pages:\n{done.stdout}{done.stderr}")
    pages = _pages(out)
    if lost := _lost_links(pages, out):
        raise InputError("these links lead nowhere:\n" + "\n".join(lost))
    if raw := _raw_formulas(pages, out):
        raise InputError("these formulas are shown as LaTeX:\n" + "\n".join(raw))


class _Page(html.parser.HTMLParser):
    """The links, anchors and readable text of a page."""

    SILENT = frozenset({"code", "math", "pre", "script", "style", "textarea", "title"})
    """What is no text of its own, or shown as it is written."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.text: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self.SILENT
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif value and (tag, name) in (("a", "href"), ("img", "src"), ("link", "href"), ("script", "src")):
                self.links.append(value)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in self.SILENT

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text.append(data)


def _pages(site: Path) -> dict[Path, _Page]:
    pages: dict[Path, _Page] = {}
    for file in sorted(site.rglob("*.html")):
        page = _Page()
        page.feed(file.read_text(encoding="utf-8"))
        pages[file.resolve()] = page
    return pages


def raw_formulas(site: Path) -> list[str]:
    """The formulas of a built site that are shown as LaTeX between dollar signs; `page: formula` each."""
    return _raw_formulas(_pages(site), site)


def _raw_formulas(pages: Mapping[Path, _Page], site: Path) -> list[str]:
    root = site.resolve()
    return [
        f"{file.relative_to(root)}: {formula}"
        for file, page in pages.items()
        for text in page.text
        for formula in re.findall(r"\$[^$]+\$", text)
    ]


def lost_links(site: Path) -> list[str]:
    """The links between pages of a built site, and to their anchors, that lead nowhere; `page: link` each."""
    return _lost_links(_pages(site), site)


def _lost_links(pages: Mapping[Path, _Page], site: Path) -> list[str]:
    lost = []
    for file, page in pages.items():
        for target in page.links:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            aim = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            aim = aim / "index.html" if aim.is_dir() else aim
            known = pages.get(aim)
            if not aim.exists() or (parts.fragment and known and unquote(parts.fragment) not in known.anchors):
                if file.name == "404.html" or parts.fragment == "__skip":
                    continue
                lost.append(f"{file.relative_to(site.resolve())}: {target}")
    return lost


def main(arguments: Sequence[str]) -> int:
    """Build the site; exit code 2 with the reason when that fails."""
    parser = argparse.ArgumentParser(description="Build the documentation site and follow its links.")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="folder of the hand-written pages")
    parser.add_argument("--readme", type=Path, default=Path("README.md"), help="the front page")
    parser.add_argument("--out", type=Path, default=Path("site"), help="where the site goes")
    given = parser.parse_args(arguments)
    try:
        build(given.docs, given.readme, given.out)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{given.out / 'index.html'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

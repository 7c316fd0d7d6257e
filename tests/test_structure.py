"""The house keeps its shape: places, names, docstrings, and arrows that point down."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import minimand
from minimand.contracts.card import Card
from minimand.contracts.catalogue import ROLES, cards
from minimand.contracts.claim import claims_in
from minimand.contracts.component import NOUNS
from minimand.workbench.catalogue.docstrings import parsed
from minimand.workbench.verify.scope import claim_files

PACKAGE = Path(minimand.__file__).parent
TESTS = Path(__file__).parent
MOST_LINES = 420
EMPTY_NAMES = {"utils", "common", "misc", "core", "base", "helpers"}

# Each package may import those below it, never those above; packages of one level do not import each other.
LEVELS = (
    {"errors", "extras", "whole_files"},
    {"contracts"},
    # probability maps and other output layers, which losses may be made of
    {"heads"},
    set(ROLES) - {"heads"},
    {"training"},
    {"claims", "estimators", "testing"},
    {"workbench"},
    {"commands"},
    {"cli"},
    {"__main__"},
)
LEVEL = {name: height for height, names in enumerate(LEVELS) for name in names}

# The workbench prints nothing either: it returns texts, which the commands print.
MAY_PRINT = {"cli", "commands"}


@cache
def sources() -> dict[str, Path]:
    """Module -> file, of the whole package."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = list(file.relative_to(PACKAGE).with_suffix("").parts)
        name = ".".join(["minimand", *(parts[:-1] if parts[-1] == "__init__" else parts)])
        found[name] = file
    return found


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(sources()[module].read_text(encoding="utf-8"))


def comes_later(node: ast.AST) -> bool:
    """Whether what stands in a node is not run while its module is imported."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))


def imports(module: str, *, at_import: bool) -> set[str]:
    """The modules of minimand that a module imports: everywhere, or only while it is itself imported."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(tree(module).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            base = node.module or ""
            inner = {f"{base}.{alias.name}" for alias in node.names}
            found |= {name if name in sources() else base for name in inner}
        elif not at_import or not comes_later(node):
            waiting += ast.iter_child_nodes(node)
    return {name for name in found if name in sources() and name != module}


def part(module: str) -> str:
    """The part of the package that a module belongs to: what follows `minimand.`."""
    return [*module.split("."), "__init__"][1]


@pytest.mark.parametrize("card", cards(), ids=lambda card: card.id)
def test_every_component_has_its_test_at_the_same_path(card):
    role_and_room, _, stem = card.path.rpartition("/")
    assert (TESTS / role_and_room / f"test_{stem}.py").is_file()


def test_every_method_has_exactly_one_claim_file_at_the_path_of_one_of_its_components():
    paths = {card.path: card.slug for card in cards()}
    files = claim_files(all=True)
    homeless = [file.path for file in files if file.path not in paths]
    assert not homeless, "no component is at the path of these claim files"
    claimed = Counter(paths[file.path] for file in files)
    assert claimed == Counter(dict.fromkeys(paths.values(), 1))


def test_every_claim_is_of_the_method_whose_file_it_is_in():
    paths = {card.path: card.slug for card in cards()}
    for file in claim_files(all=True):
        claims = file.claims()
        assert claims, f"{file.path} holds no claim"
        assert {claim.card.slug for claim in claims} == {paths[file.path]}, file.path


def test_claim_names_are_unique_in_their_file():
    for file in claim_files(all=True):
        names = [claim.name for claim in claims_in(__import__(file.module, fromlist=["_"]))]
        assert len(names) == len(set(names)), file.path


def test_a_slug_at_several_paths_is_that_of_one_family():
    """Components of one family have a paper in common, and a metric is never of the family of a loss."""
    homes: dict[str, list[Card]] = {}
    for card in cards():
        homes.setdefault(card.slug, []).append(card)
    strangers = [
        f"{first.id} and {other.id} are both called {slug}"
        for slug, (first, *others) in homes.items()
        for other in others
        if first.path != other.path
        and (not set(first.papers) & set(other.papers) or (first.kind == "metric") != (other.kind == "metric"))
    ]
    assert not strangers


@pytest.mark.parametrize("card", cards(), ids=lambda card: card.id)
def test_names_end_in_the_noun_of_their_contract(card):
    noun = NOUNS[card.kind]
    if noun is not None and inspect.isclass(card.component):
        assert card.name.endswith(noun.capitalize())
    elif noun is not None:
        assert card.name.endswith(f"_{noun}")
    twin = vars(card.component).get("module")
    if twin is not None:
        assert twin.__name__.endswith("Loss")
        assert twin.__name__.removesuffix("Loss").lower() == card.name.removesuffix("_loss").replace("_", "")
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", card.slug)


@pytest.mark.parametrize("card", cards(), ids=lambda card: card.id)
def test_docstrings_say_what_arguments_mean_what_is_raised_and_where_it_comes_from(card):
    text = parsed(card.component)
    assert card.title
    assert "$" in text.summary, "the first line is a noun phrase with the formula"
    names = set(inspect.signature(card.component).parameters)
    assert set(text.arguments) == names
    assert all(text.arguments.values())
    assert text.sections.get("Raises", "").startswith(("ValueError", "TypeError"))
    # a metric may be older than any paper; a loss is somebody's
    assert card.papers or card.kind in ("metric", "protocol")
    assert text.sections.get("Reference") or not card.papers, "say which part of the paper"


@pytest.mark.parametrize("card", cards(), ids=lambda card: card.id)
def test_cards_say_when_and_what_not_in_one_sentence_each(card):
    for sentence in (card.when, card.drawback):
        assert sentence.endswith(".")
        assert "not written yet" not in sentence.lower()
    assert all(reason.strip() for reason in card.exempt.values())
    assert card.provenance == "established" or card.provenance.startswith("reconstructed: ")


def test_paper_keys_are_unique():
    papers = {paper for card in cards() for paper in card.papers}
    assert max(Counter(paper.key for paper in papers).values()) == 1


def test_files_have_the_name_of_their_idea():
    assert not [file for file in sources().values() if file.stem in EMPTY_NAMES]
    assert not [file for file in TESTS.rglob("*.py") if file.stem.removeprefix("test_") in EMPTY_NAMES]


@pytest.mark.parametrize("module", sources())
def test_files_are_short_enough_to_read(module):
    lines = sources()[module].read_text(encoding="utf-8").count("\n")
    assert lines <= MOST_LINES


def test_every_part_of_the_package_has_its_level():
    parts = {part(module) for module in sources()} - {"__init__"}
    assert parts <= set(LEVEL)


@pytest.mark.parametrize("module", [name for name in sources() if name != "minimand"])
def test_arrows_point_down(module):
    own = part(module)
    # the top of the package is its public face: lazy names and the version, which everybody may read
    below = {name for name in imports(module, at_import=False) if name != "minimand" and part(name) != own}
    upwards = {name for name in below if LEVEL[part(name)] >= LEVEL[own]}
    assert not upwards


def test_components_know_neither_training_nor_claims_nor_the_workbench():
    for module in sources():
        if part(module) in ROLES:
            known = {part(name) for name in imports(module, at_import=False)}
            assert known <= {"errors", "extras", "contracts", "heads", part(module)}, module


def test_no_file_is_imported_by_what_it_imports():
    arrows = {module: imports(module, at_import=True) for module in sources()}
    finished: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way[way.index(module) :], module))
        if module not in finished:
            for other in sorted(arrows[module]):
                visit(other, (*way, module))
            finished.add(module)

    for module in arrows:
        visit(module, ())


@pytest.mark.parametrize("module", sources())
def test_the_library_prints_nothing(module):
    if part(module) in MAY_PRINT:
        return
    calls = [node for node in ast.walk(tree(module)) if isinstance(node, ast.Call)]
    assert not [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]


@pytest.mark.parametrize("module", sources())
def test_public_functions_and_classes_have_docstrings(module):
    silent = [
        node.name
        for node in tree(module).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        # a row function is said by its loss; a claim says itself
        and not node.name.startswith("_")
        and not node.name.endswith("_row")
        and not any("_claim(" in ast.unparse(decorator) for decorator in node.decorator_list)
        and ast.get_docstring(node) is None
    ]
    assert not silent

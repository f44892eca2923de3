"""Rules of the house that no linter knows. Each failure lists every offender at once."""

import ast
import re
import statistics
from collections.abc import Iterator

from support.project import ROOT, files, name, pyproject, texts

LINES_MAX = 500
LINES_MEDIAN = 120
FUNCTION_LINES_MAX = 40
# One broad except in each, so that one feed, one HTTP request or one command can not take others along.
BOUNDARIES = ("mpsyncd/engine/runner", "mpsyncd/web/", "mpsyncd/cli/")
# Written in pieces, or these lines would report themselves.
UNFINISHED = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error")))
MACHINE_PATH = re.compile(r"(?<![\w.~*}])/(?:work|root|tmp|farm|Users|home/[a-z]+)/")
REGISTRY = re.compile("|".join(("pypi" + r"\.org", "python" + "hosted", "npm" + r"js\.org", "index" + "-url")))


def _modules(under: str = "mpsyncd") -> Iterator[tuple[str, str, ast.Module]]:
    for path in files(".py", under=under):
        source = path.read_text(encoding="utf-8")
        yield name(path), source, ast.parse(source)


def _functions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """Functions with the number of their lines from `def` to end, docstring not counted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = ast.get_docstring(node) is not None
            docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
            yield node, (node.end_lineno or 0) - node.lineno + 1 - docstring


def _is_broad(node: ast.expr | None) -> bool:
    match node:
        case None:
            return True
        case ast.Name(id=caught) | ast.Attribute(attr=caught):
            return caught in {"Exception", "BaseException"}
        case ast.Tuple(elts=several):
            return any(_is_broad(one) for one in several)
        case _:
            return False


def _broad_excepts(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
            yield node.lineno
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress") and any(map(_is_broad, node.args)):
            yield node.lineno


def test_no_file_is_over_500_lines() -> None:
    long = {name(path): count for path in files(".py", ".sql", ".sh") if (count := len(path.read_text("utf-8").splitlines())) > LINES_MAX}
    assert long == {}


def test_half_of_the_modules_fit_120_lines() -> None:
    counts = [len(source.splitlines()) for _, source, _ in _modules()]
    assert statistics.median(counts) <= LINES_MEDIAN


def test_no_function_is_over_40_lines() -> None:
    long = {
        f"{module}:{node.lineno} {node.name}": count
        for module, _, tree in _modules()
        for node, count in _functions(tree)
        if count > FUNCTION_LINES_MAX
    }
    assert long == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [module for under in ("mpsyncd", "tests", "benchmarks") for module, _, tree in _modules(under) if not ast.get_docstring(tree)]
    assert silent == []


def test_broad_excepts_stand_at_three_boundaries_only() -> None:
    found = [f"{module}:{line}" for module, _, tree in _modules() for line in _broad_excepts(tree)]
    elsewhere = [place for place in found if not place.startswith(BOUNDARIES)]
    assert elsewhere == []
    assert all(sum(place.startswith(boundary) for place in found) <= 1 for boundary in BOUNDARIES), found


def test_broad_excepts_are_recognised() -> None:
    source = "try: f()\nexcept {}: pass"
    for broad in ("Exception", "(ValueError, Exception)", "builtins.BaseException"):
        assert list(_broad_excepts(ast.parse(source.format(broad)))) == [2]
    assert list(_broad_excepts(ast.parse(source.format("")))) == [2]
    assert list(_broad_excepts(ast.parse("with contextlib.suppress(Exception): f()"))) == [1]
    assert list(_broad_excepts(ast.parse(source.format("ValueError")))) == []
    for broad in ("Exception", "BaseException"):
        assert list(_broad_excepts(ast.parse(f"try: f()\nexcept {broad}:\n    g()\n    raise"))) == [2]


def test_nothing_is_left_for_later() -> None:
    assert _lines_with(UNFINISHED) == []


def test_no_path_of_somebodys_machine() -> None:
    assert _lines_with(MACHINE_PATH) == []


def test_no_registry_is_named() -> None:
    assert _lines_with(REGISTRY) == []


def _lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{file}:{number}: {line.strip()[:100]}"
        for file, content in texts()
        for number, line in enumerate(content.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_every_source_is_in_the_independence_contract() -> None:
    contracts = pyproject()["tool"]["importlinter"]["contracts"]
    [listed] = [contract["modules"] for contract in contracts if contract["id"] == "sources-apart"]
    packages = [f"mpsyncd.sources.{path.parent.name}" for path in (ROOT / "mpsyncd/sources").glob("*/__init__.py")]
    assert sorted(listed) == sorted(packages)

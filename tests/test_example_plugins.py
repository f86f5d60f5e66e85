"""The example plugins: distributions of their own, short, and tested by tests of their own."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import BASE_URL, SECRET

from authkit import AuthKit
from authkit.plugins import load_plugins

PLUGINS = Path(__file__).parents[1] / "examples" / "plugins"
FOLDERS = sorted(folder for folder in PLUGINS.iterdir() if (folder / "pyproject.toml").exists())
TESTED = [folder for folder in FOLDERS if (folder / "tests").exists()]


def name_of(folder: Path) -> str:
    return folder.name


def module_of(folder: Path) -> Path:
    (module,) = folder.glob("*.py")
    return module


def run(*command: object, cwd: Path, coverage: Path) -> subprocess.CompletedProcess[str]:
    """Run Python in a plugin's folder, with the plugin on the path and without this process's own settings."""
    own = ("COV_", "COVERAGE_", "PYTEST_", "AUTHKIT_")
    others = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    environ = {**others, "PYTHONPATH": str(cwd), "PYTHONDONTWRITEBYTECODE": "1", "COVERAGE_FILE": str(coverage)}
    arguments = [sys.executable, "-m", *map(str, command)]
    return subprocess.run(arguments, cwd=cwd, env=environ, capture_output=True, text=True, timeout=110, check=False)


def lines_beyond_data(path: Path) -> list[int]:
    """Return the lines of the module's functions: no docstring, and nothing of the `Profile` that one returns."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    counted: set[int] = set()
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        first = function.body[0]
        is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        counted |= {function.lineno, *(line for node in function.body[is_docstring:] for line in _lines(node))}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id == "Profile":
            counted -= set(_lines(call)) - {call.lineno}
    return sorted(counted)


def _lines(node: ast.stmt | ast.expr) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def test_these_plugins_prove_the_point() -> None:
    assert [name_of(folder) for folder in FOLDERS] == ["authkit-acme", "authkit-github", "authkit-google"]
    assert [name_of(folder) for folder in TESTED] == ["authkit-github", "authkit-google"]


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_a_plugin_is_at_most_20_lines_beyond_data(folder: Path) -> None:
    assert len(lines_beyond_data(module_of(folder))) <= 20


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_a_plugin_imports_public_names_only(folder: Path) -> None:
    tree = ast.parse(module_of(folder).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}

    ours = {name for name in imported if name is not None and name.startswith("authkit")}
    assert ours <= {"authkit", "authkit.emulator", "authkit.errors", "authkit.oidc", "authkit.pkce"}


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_a_plugin_names_its_module_as_its_entry_point(folder: Path) -> None:
    metadata = (folder / "pyproject.toml").read_text(encoding="utf-8")
    provider, module = name_of(folder).removeprefix("authkit-"), module_of(folder).stem

    assert f'\nname = "{name_of(folder)}"\n' in metadata
    assert f'[project.entry-points.authkit]\n{provider} = "{module}"\n' in metadata


def test_the_plugins_live_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = []
    for folder in FOLDERS:
        monkeypatch.syspath_prepend(folder)
        modules.append(__import__(module_of(folder).stem))
    plugins = load_plugins(found=(), extra=modules)
    settings = {"authkit.secret": SECRET, "authkit.base_url": BASE_URL}
    for provider in plugins.providers:
        settings |= {f"authkit.{provider}.client_id": "id", f"authkit.{provider}.client_secret": "canary-secret"}

    kit = AuthKit.from_settings(settings, plugins=plugins, environ={})

    assert [(info.name, info.problem) for info in plugins.infos] == [
        ("authkit_acme", ""),
        ("authkit_github", ""),
        ("authkit_google", ""),
    ]
    assert [known.authority for known in kit.registrations.values()] == [
        "acme",
        "github",
        "https://accounts.google.com",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("folder", TESTED, ids=name_of)
def test_a_plugin_passes_its_own_tests_which_miss_no_line_of_it(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "coverage"
    module = module_of(folder).name

    tested = run(
        *("coverage", "run", "--branch", f"--include={module}"),
        *("-m", "pytest", "-q", "-p", "no:cacheprovider"),
        cwd=folder,
        coverage=data,
    )
    covered = run("coverage", "report", "-m", "--fail-under=100", cwd=folder, coverage=data)

    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert covered.returncode == 0, covered.stdout
    assert module in covered.stdout

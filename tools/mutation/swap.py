"""Puts a mutant into the process: into the functions that live in it, or in the place of the module to import."""

from __future__ import annotations

import ast
import gc
import importlib
import sys
import warnings
from collections import defaultdict
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import CodeType, FunctionType, ModuleType

from mutation.mutants import Module, Mutant


class Live:
    """The functions of some modules that this process has imported."""

    def __init__(self, modules: list[Module]) -> None:
        self._functions: dict[str, list[FunctionType]] = defaultdict(list)
        paths = {str(module.path.resolve()) for module in modules}
        for found in gc.get_objects():
            if isinstance(found, FunctionType) and found.__code__.co_filename in paths:
                self._functions[found.__code__.co_filename].append(found)

    def put(self, module: Module, mutant: Mutant) -> bool:
        """Put a mutant into the functions, or into what they read; False if only an import can."""
        if mutant.at_import:
            return self._put_around(module, mutant)
        old, new = _codes(module.code), _codes(compiled(module, mutant))
        changed = {code: new[place] for place, code in old.items() if place in new and code != new[place]}
        for function in self._functions[str(module.path.resolve())]:
            if function.__code__ in changed:
                try:
                    function.__code__ = changed[function.__code__]
                except ValueError:  # it closes over something else
                    return False
        return True

    def _put_around(self, module: Module, mutant: Mutant) -> bool:
        """Bind a constant anew, or give a function other defaults. Whoever has copied them does not notice."""
        code, live = module.alone(mutant), sys.modules.get(module.name)
        if code is None or live is None:
            return False
        if isinstance(mutant.statement, ast.FunctionDef):
            made: dict[str, FunctionType] = {}
            exec(code, vars(live), made)  # noqa: S102 - it is our own code, but for one change
            (other,) = made.values()
            for function in self._functions[str(module.path.resolve())]:
                if function.__qualname__.replace("<locals>.", "") == mutant.scope:
                    function.__defaults__, function.__kwdefaults__ = other.__defaults__, other.__kwdefaults__
        else:
            exec(code, vars(live))  # noqa: S102 - as above
        return True


class Instead(MetaPathFinder, Loader):
    """Gives a mutant to whoever imports its module."""

    def __init__(self, module: Module, code: CodeType) -> None:
        self._module, self._code = module, code

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:  # type: ignore[override]
        """See `MetaPathFinder.find_spec`."""
        if fullname != self._module.name:
            return None
        spec = spec_from_loader(fullname, self, origin=str(self._module.path.resolve()))
        if spec and self._module.path.name == "__init__.py":
            spec.submodule_search_locations = [str(self._module.path.resolve().parent)]
        return spec

    def exec_module(self, module: ModuleType) -> None:
        """See `Loader.exec_module`."""
        module.__file__ = str(self._module.path.resolve())
        exec(self._code, module.__dict__)  # noqa: S102 - it is our own module, but for one change


def put_in_place(module: Module, mutant: Mutant) -> None:
    """Import a mutant instead of its module: before pytest does, which puts a finder of its own in front."""
    sys.meta_path.insert(0, Instead(module, compiled(module, mutant)))
    importlib.import_module(module.name)


def compiled(module: Module, mutant: Mutant) -> CodeType:
    """Return the module with the mutant, without what the compiler says about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        return module.mutated(mutant)


def _codes(code: CodeType) -> dict[tuple[object, ...], CodeType]:
    """Return each function's code in `code` under a name that a change elsewhere leaves as it is."""
    found: dict[tuple[object, ...], CodeType] = {}
    waiting = [code]
    while waiting:
        code = waiting.pop(0)
        place = (code.co_name, code.co_firstlineno)
        found[(*place, sum(other[:2] == place for other in found))] = code
        waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return found

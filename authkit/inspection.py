"""What may be wrong with a plugin: with its hooks, with its providers, or in what came out of its code.

Every problem is told as what is wrong, and what to do about it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping
from inspect import (
    Parameter,
    isasyncgenfunction,
    iscoroutine,
    iscoroutinefunction,
    isgeneratorfunction,
    isroutine,
    signature,
)
from pathlib import PurePath
from typing import Any

from authkit import hookspecs
from authkit.errors import AuthkitError, ConfigError, printable
from authkit.names import check_name, close_to
from authkit.provider import AnyProvider, OAuth2Provider, Provider

__all__ = ["check_hooks", "place_of", "problem_of", "providers_in"]

HOOKS: Mapping[str, tuple[str, ...]] = {
    name: tuple(signature(specification).parameters)
    for name, specification in vars(hookspecs).items()
    if name.startswith("authkit_")
}
"""The arguments of each hook."""

ANSWERING = frozenset({"authkit_emulators", "authkit_providers"})
"""The hooks whose answer counts, so that a generator function will do."""

MACHINERY = ("authkit", "importlib", "importlib_metadata", "metadata")

MEMBERS = ("name", "title", "default_scope", "client")
"""What a `Provider` has."""


def problem_of(exc: BaseException, doing: str) -> str:
    """Return, for one line, what came out of a plugin while it was `doing` something, where, and what to do."""
    if isinstance(exc, AuthkitError):
        return exc.reason
    try:
        said = f"{type(exc).__name__}: {exc}"
    except Exception:  # noqa: BLE001 - a plugin's exception may not even have a text
        said = type(exc).__name__
    missing = isinstance(exc, ModuleNotFoundError)
    return printable(
        f"{doing}: {said}{place_of(exc)}; {'install what is missing' if missing else 'update it'}, or uninstall it"
    )


def place_of(exc: BaseException) -> str:
    """Return where in a plugin's code, or in a library of its, something was raised, as `` (file:line)``."""
    frames = [frame for frame in traceback.extract_tb(exc.__traceback__) if not _is_machinery(frame.filename)]
    return f" ({PurePath(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""


def _is_machinery(filename: str) -> bool:
    """Whether a file is ours or Python's own importing, or its backport, which is never to blame."""
    return filename.startswith("<") or PurePath(filename).parent.name in MACHINERY


def check_hooks(plugin: object) -> None:
    """Check that each hook of a plugin exists, and can be called as it is called.

    Raises:
        ConfigError: one cannot, or there is none; the reason names it and the fix.
    """
    if isinstance(plugin, type):
        raise ConfigError(f"the entry point names the class {plugin.__name__}; name an instance of it, or a module")
    names = [name for name in dir(plugin) if not name.startswith("__")]
    marked = {name: function for name in names if (function := _marked(plugin, name))}
    for name, function in marked.items():
        _check_hook(name, function)
    if not marked:
        raise ConfigError("it has no hooks; mark its functions with @hookimpl, or take its entry point out")


def _marked(plugin: object, name: str) -> Callable[..., Any] | None:
    """Return the attribute `name` of a plugin if it is marked as a hook, None if it is something else."""
    value = getattr(plugin, name, None)
    if isroutine(value) and isinstance(getattr(value, "authkit_impl", None), dict):
        return value
    if name in HOOKS and value is not None:
        raise ConfigError(
            f"{name} is no function that is marked with @hookimpl; mark it: from authkit import hookimpl"
        )
    return None


def _check_hook(name: str, function: Callable[..., Any]) -> None:
    options: Mapping[str, Any] = function.authkit_impl  # type: ignore[attr-defined]  # the marker puts it there
    hook = options.get("specname") or name
    if hook not in HOOKS:
        if options.get("optionalhook"):
            return
        close = close_to(hook, HOOKS)
        advice = f"did you mean {close!r}?" if close else f"the hooks are: {', '.join(HOOKS)}"
        raise ConfigError(f"unknown hook {hook!r}; {advice}")
    if options.get("wrapper") or options.get("hookwrapper"):
        raise ConfigError(f"{hook} is a wrapper, and authkit calls each hook by itself; make it a plain function")
    if iscoroutinefunction(function) or isasyncgenfunction(function):
        raise ConfigError(f"{hook} is a coroutine function, and nobody awaits it; make it a plain function")
    if isgeneratorfunction(function) and hook not in ANSWERING:
        raise ConfigError(f"{hook} is a generator function, and nobody iterates over it; take the yield out")
    unmet = [parameter.name for parameter in signature(function).parameters.values() if _is_unmet(parameter, hook)]
    if unmet:
        given = ", ".join(HOOKS[hook]) or "nothing"
        raise ConfigError(f"{hook} wants {', '.join(map(repr, unmet))}; what it is given, by name: {given}")


def _is_unmet(parameter: Parameter, hook: str) -> bool:
    """Whether a hook's function cannot be called because of `parameter`: arguments are given by name."""
    if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
        return False
    by_name = parameter.kind == Parameter.POSITIONAL_OR_KEYWORD and parameter.name in HOOKS[hook]
    return parameter.default is Parameter.empty and not by_name


def providers_in(answer: object, *, may_be_reserved: bool = False) -> Mapping[str, AnyProvider]:
    """Return the providers that ``authkit_providers`` returned, by name.

    Args:
        answer: what it returned: anything that yields providers.
        may_be_reserved: whether their names may be reserved.

    Raises:
        ConfigError: it is something else; the reason says what, and the fix.
    """
    if iscoroutine(answer):
        answer.close()
    if isinstance(answer, (OAuth2Provider, Provider)):
        raise ConfigError("authkit_providers returned a provider; return a list of them: [provider]")
    if isinstance(answer, (str, bytes, Mapping)) or not isinstance(answer, Iterable):
        raise ConfigError(f"authkit_providers returned a {type(answer).__name__}; return a list of providers")
    supplied: dict[str, AnyProvider] = {}
    for provider in answer:
        _check_kind(provider)
        name = check_name(provider.name, "provider", may_be_reserved=may_be_reserved)
        if name in supplied:
            raise ConfigError(f"authkit_providers returned two providers named {name!r}; take one out")
        supplied[name] = provider
    return supplied


def _check_kind(provider: object) -> None:
    kind = type(provider).__name__
    if isinstance(provider, type):
        raise ConfigError(f"authkit_providers returned the class {provider.__name__}; return an instance of it")
    if isinstance(provider, (OAuth2Provider, Provider)):
        return
    lacking = [member for member in MEMBERS if not hasattr(provider, member)]
    raise ConfigError(
        f"authkit_providers returned a {kind}, which is no provider: it has no {', '.join(lacking)}; "
        "return OAuth2Provider values"
    )

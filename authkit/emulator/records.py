"""`read_records`: apps and users of an emulator, from JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from authkit.provider import Emulator

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["Configurable", "read_records"]

R = TypeVar("R", bound="DataclassInstance")


@runtime_checkable
class Configurable(Protocol):
    """What makes an emulator, and can make one with other apps and users."""

    def __call__(self) -> Emulator:
        """Return an emulator with the usual ones."""
        ...

    def configured(self, apps: Sequence[Mapping[str, Any]], users: Sequence[Mapping[str, Any]]) -> Emulator:
        """Return an emulator with these apps and users, each as JSON has it; empty for the usual ones.

        Raises:
            ValueError: they cannot be; the message says why.
        """
        ...


def read_records(kind: type[R], records: Sequence[Mapping[str, Any]]) -> tuple[R, ...]:
    """Return what `records` describe: dataclasses whose fields are texts, numbers, booleans, or several texts.

    Raises:
        ValueError: a field is unknown, missing or of another type; or `kind` refuses what it says.
    """
    return tuple(_read(kind, record) for record in records)


def _read(kind: type[R], record: Mapping[str, Any]) -> R:
    known = {declared.name: declared.default for declared in fields(kind)}
    if unknown := sorted(set(record) - set(known)):
        raise ValueError(f"{kind.__name__} has no {unknown[0]!r}; it has {', '.join(known)}")
    required = [name for name, default in known.items() if default is MISSING]
    if missing := sorted(set(required) - set(record)):
        raise ValueError(f"{kind.__name__} lacks {missing[0]!r}")
    return kind(**{name: _value(name, value, known[name]) for name, value in record.items()})


def _value(name: str, value: Any, default: object) -> Any:
    if isinstance(default, tuple) and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    wanted = type(default) if isinstance(default, (bool, int, tuple)) else str
    if type(value) is not wanted:
        raise ValueError(
            f"{name!r} has to be {'a list of texts' if wanted is tuple else f'of type {wanted.__name__}'}"
        )
    return value

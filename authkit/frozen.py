"""Values that came from elsewhere, made read-only all the way down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

__all__ = ["FrozenDict", "freeze"]


def _refuse(self: Any, *_: Any, **__: Any) -> NoReturn:  # noqa: ARG001 - it stands in for methods
    raise TypeError("this mapping is read-only; make a copy with dict(...)")


class FrozenDict(dict[str, Any]):
    """A dict that cannot be changed. It still is one: `json.dumps`, `copy`, `pickle` and ``|`` work."""

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenDict:
        return self

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[str, Any]]]:
        return FrozenDict, (dict(self),)


def freeze(value: Any) -> Any:
    """Return `value` with every mapping in it read-only and every list a tuple."""
    if isinstance(value, Mapping):
        return FrozenDict({key: freeze(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item) for item in value)
    return value

"""Further addresses of a provider's API, beside its user info endpoint: what the stock emulator answers there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

__all__ = ["NO_RESOURCES", "Resource", "Resources", "body_of"]

Body: TypeAlias = "Mapping[str, Any] | Sequence[Any]"
Resource: TypeAlias = "Body | Callable[[Mapping[str, Any]], Body]"
"""A JSON object or array; or a function that makes it of what the user info endpoint answers for the same user."""

Resources: TypeAlias = Mapping[str, Resource]
"""By the address at the provider."""

NO_RESOURCES: Resources = MappingProxyType({})


def body_of(resource: Resource, userinfo: Mapping[str, Any]) -> Body:
    """Return what a resource answers to the token of the user whose user info is given."""
    return resource(userinfo) if callable(resource) else resource

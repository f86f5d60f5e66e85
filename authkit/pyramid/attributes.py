"""Attributes of each request, without a class for each request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from pyramid.request import Request

__all__ = ["Attribute"]

T = TypeVar("T")


class Attribute(Generic[T]):
    """An attribute of every request: `add_request_method` is given it as the method that it is to Pyramid.

    For a property, Pyramid makes a class of its own for each request; a method is only bound to it, and bound is
    what `make` returns.

    Args:
        make: returns the attribute of a request. It is called for every request, and has to be quick.
    """

    def __init__(self, make: Callable[[Request], T]) -> None:
        self._make = make

    def __get__(self, request: Request, kind: type[Request]) -> T:
        return self._make(request)

"""Attributes of each request, without a class for each request."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Concatenate, Generic, ParamSpec, TypeVar

from pyramid.request import Request

__all__ = ["Attribute", "weakly"]

P = ParamSpec("P")
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


def weakly(function: Callable[Concatenate[Request, P], T], request: Request) -> Callable[P, T]:
    """Return `function` with `request` for its first argument, without keeping that.

    What a request has must not keep the request: only the garbage collector frees what keeps itself. Whoever calls
    it after the request is gone gets a `ReferenceError`.
    """
    reference = weakref.ref(request)

    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        living = reference()
        if living is None:
            raise ReferenceError("the request is gone: keep it for as long as what it has is used")
        return function(living, *args, **kwargs)

    return call

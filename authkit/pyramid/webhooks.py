"""Webhooks: where providers tell the app what happened, ``POST <prefix>/{registration}/webhook``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.viewderivers import DefaultViewMapper

from authkit import ProviderEvent
from authkit.accounts.inbox import Inbox
from authkit.errors import AuthkitError, ConfigError
from authkit.events import MAX_BODY, accepted, receive, rejected
from authkit.pyramid.accountpolicy import DATABASE
from authkit.pyramid.answers import json_error, with_safe_headers
from authkit.pyramid.bodies import read_body
from authkit.pyramid.commits import when_over
from authkit.pyramid.config import add_routes
from authkit.pyramid.guards import require_method
from authkit.pyramid.limits import require_room

__all__ = ["EventHandler", "includeme"]

EVENT_HANDLER = "authkit.event_handler"

EventHandler: TypeAlias = Callable[[Request, ProviderEvent], object]


class DeliveryFailed(Exception):
    """Takes an error out of the request, which rolls its transaction back, to the view that answers it as JSON.

    Our own errors have views of the app's, or of ours, that answer people.
    """

    def __init__(self, error: AuthkitError) -> None:
        super().__init__(str(error))
        self.error = error


def includeme(config: Configurator) -> None:
    """Add the webhooks; "authkit.pyramid.accounts" includes them.

    Raises:
        ConfigError: there is no ``registry["authkit.database"]``, in which events are remembered.
    """
    if DATABASE not in config.registry:
        raise ConfigError("include authkit.pyramid.accounts: its webhooks come along, and need its database")
    config.add_directive("set_authkit_event_handler", _set_event_handler)
    add_routes(config, ("authkit.webhook", "/{registration}/webhook", take_delivery))
    config.add_exception_view(_answer_failure, context=DeliveryFailed, mapper=DefaultViewMapper)


def take_delivery(request: Request) -> Response:
    """Take what a provider delivers. It is judged by its signature alone: cookies and Origin are not looked at."""
    try:
        _take(request)
    except AuthkitError as error:
        rejected(request.authkit, error)
        failure = DeliveryFailed(error)
    else:
        return with_safe_headers(Response(content_type="text/plain", charset="utf-8"))
    raise failure


def _take(request: Request) -> None:
    kit, registration = request.authkit, request.matchdict["registration"]
    require_method(request, "POST")
    require_room(request, "webhook")
    received = receive(kit, registration, request.headers, read_body(request, MAX_BODY))
    handler: EventHandler | None = request.registry.get(EVENT_HANDLER)
    inbox = Inbox(kit, request.registry[DATABASE])
    try:
        if handler is None:
            is_new = inbox.take(received)
        else:
            is_new = inbox.take(received, partial(handler, request), when_over=partial(when_over, request))
    except AuthkitError as error:
        error.registration = registration
        raise
    accepted(kit, received, is_new=is_new)


def _answer_failure(failure: DeliveryFailed, request: Request) -> Response:  # noqa: ARG001 - Pyramid's signature
    return json_error(failure.error)


def _set_event_handler(config: Configurator, on_event: EventHandler | str) -> None:
    """Let `on_event(request, event)` do what the app does about an event. What it returns is not looked at.

    `on_event` may be a dotted name. Two handlers are a configuration conflict.
    """
    handler: EventHandler = config.maybe_dotted(on_event)

    def register() -> None:
        config.registry[EVENT_HANDLER] = handler

    introspectable = config.introspectable(
        "authkit", EVENT_HANDLER, config.object_description(handler), "event handler"
    )
    config.action(EVENT_HANDLER, register, introspectables=(introspectable,))

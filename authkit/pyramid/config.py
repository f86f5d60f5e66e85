"""What including the adapter adds to an application: routes, views, ``request.authkit``, and late defaults."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from pyramid.config import Configurator
from pyramid.exceptions import URLDecodeError
from pyramid.httpexceptions import HTTPNotFound
from pyramid.interfaces import (
    PHASE3_CONFIG,
    IExceptionViewClassifier,
    IMultiView,
    IRequest,
    IRouteRequest,
    ISecuredView,
    ISecurityPolicy,
    IView,
    IViewClassifier,
)
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.viewderivers import DefaultViewMapper
from zope.interface import Interface, implementedBy

from authkit import AuthKit, Login
from authkit.errors import AuthkitError, ConfigError
from authkit.pyramid import views
from authkit.pyramid.answers import error_response, garbled_path, unknown_path
from authkit.pyramid.attributes import Attribute
from authkit.pyramid.handlers import HANDLER, LoginHandler, default_on_login
from authkit.pyramid.limits import set_limiter
from authkit.pyramid.security import CookieSecurityPolicy

__all__ = ["DEFAULTS", "KIT", "LATE", "Defaults", "add_routes", "has_exception_view", "includeme"]

logger = logging.getLogger(__name__)

KIT = "authkit.kit"
DEFAULTS = "authkit.defaults"
NO_PAGE_OF_OURS = r"(?!(?:accounts|jwks\.json)$)[^/]+"
"""What stands for a registration in the route of a start: not what is ours, whichever route comes first."""
LATE = PHASE3_CONFIG + 10
"""The order of actions that look at what the app has set: after all of Pyramid's own."""
BEFORE_VIEWS = PHASE3_CONFIG - 5
"""The order of the security policy: after the app has set its own, before its views are made. A view that is made
before there is a policy would be open to everybody, whatever its permission."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What an application gets where it has set nothing.

    Attributes:
        on_login: answers a login that succeeded.
        new_policy: makes the security policy.
    """

    on_login: LoginHandler = default_on_login
    new_policy: Callable[[AuthKit], object] = CookieSecurityPolicy


def includeme(config: Configurator) -> None:
    """Add a login to an application. All it needs stands in the settings.

    ``config.registry["authkit.kit"]``, if set before, is used instead of a kit from the settings. What is set by
    default (security policy, login handler, sign-in and error pages) is set late, and only where the app has set
    nothing.
    """
    registry = config.registry
    if KIT not in registry:
        registry[KIT] = AuthKit.from_settings(registry.settings or {})
    _warn_of_detours(registry[KIT])
    registry.setdefault(DEFAULTS, Defaults())
    registry.setdefault(views.PURPOSES, {})
    config.add_request_method(Attribute(_kit), "authkit")
    config.add_directive("set_authkit_login_handler", _set_login_handler)
    config.add_directive("set_authkit_limiter", set_limiter)
    add_routes(
        config,
        ("authkit.sign_in", "/", views.show_buttons),
        ("authkit.logout", "/logout", views.log_out),
        ("authkit.start", f"/{{registration:{NO_PAGE_OF_OURS}}}", views.start),
        ("authkit.callback", "/{registration}/callback", views.callback),
    )
    config.add_view_predicate("authkit_no_route", _NoRoute)
    config.action(None, _add_security_policy, args=(registry,), order=BEFORE_VIEWS)
    config.action(None, _add_defaults, args=(registry,), order=LATE)


def add_routes(config: Configurator, *routes: tuple[str, str, Callable[[Request], Response]]) -> None:
    """Add routes of ours, by name, path behind the prefix, and the view that answers unless the app has its own."""
    if config.route_prefix:
        raise ConfigError("include authkit without a route prefix; the setting authkit.prefix is for that")
    for name, path, view in routes:
        config.add_route(name, config.registry[KIT].site.prefix + path)
        config.action(None, _add_view, args=(config.registry, name, view), order=LATE)


def _warn_of_detours(kit: AuthKit) -> None:
    """Say which redirect URIs are not where we answer: what is sent there gets an error of the app's, and no log."""
    for name, registration in kit.registrations.items():
        ours = kit.site.url(f"/{name}/callback")
        if registration.redirect_uri != ours:
            logger.warning(
                "authkit.%s.redirect_uri is %s, but callbacks are answered at %s; unless something leads from there "
                "to here, leave it out",
                name,
                registration.redirect_uri,
                ours,
            )


def _kit(request: Request) -> AuthKit:
    kit: AuthKit = request.registry[KIT]
    return kit


def _set_login_handler(config: Configurator, on_login: LoginHandler | str) -> None:
    """Let `on_login(request, login)` answer a login that succeeded: it returns the response.

    `on_login` may be a dotted name. Two handlers are a configuration conflict.
    """
    handler: Callable[[Request, Login], Response] = config.maybe_dotted(on_login)

    def register() -> None:
        config.registry[HANDLER] = handler

    introspectable = config.introspectable("authkit", HANDLER, config.object_description(handler), "login handler")
    config.action(HANDLER, register, introspectables=(introspectable,))


def _add_view(registry: Registry, route: str, view: Callable[[Request], Response]) -> None:
    """Add a view of ours, unless the app has one for the route."""
    route_request = registry.queryUtility(IRouteRequest, name=route)
    if not registry.adapters.lookup((IViewClassifier, route_request, Interface), IView):
        late = Configurator(registry=registry, autocommit=True)
        late.add_view(
            view,
            route_name=route,
            permission=NO_PERMISSION_REQUIRED,
            require_csrf=False,
            mapper=DefaultViewMapper,  # the app's own may call views in another way
        )


def _add_security_policy(registry: Registry) -> None:
    """Set our security policy, where the app has set none."""
    if registry.queryUtility(ISecurityPolicy) is None:
        late = Configurator(registry=registry, autocommit=True)
        late.set_security_policy(registry[DEFAULTS].new_policy(registry[KIT]))


def _add_defaults(registry: Registry) -> None:
    """Set what an application needs, where it has set nothing."""
    late = Configurator(registry=registry, autocommit=True)
    registry.setdefault(HANDLER, registry[DEFAULTS].on_login)
    if not has_exception_view(registry, AuthkitError):
        late.add_exception_view(error_response, context=AuthkitError, mapper=DefaultViewMapper)
    late.add_exception_view(garbled_path, context=URLDecodeError, authkit_no_route=True, mapper=DefaultViewMapper)
    if not has_exception_view(registry, HTTPNotFound):
        late.add_exception_view(unknown_path, context=HTTPNotFound, authkit_no_route=True, mapper=DefaultViewMapper)


def has_exception_view(registry: Registry, context: type[Exception]) -> bool:
    """Whether the app has a view for such errors; its view for every `Exception` is not meant for them."""
    required = (IExceptionViewClassifier, IRequest, implementedBy(context))
    return any(registry.adapters.registered(required, kind) for kind in (IView, ISecuredView, IMultiView))


class _NoRoute:
    """A view predicate: the path is one of ours, and no route has it."""

    def __init__(self, value: bool, config: Configurator) -> None:
        self._prefix: str = config.registry[KIT].site.prefix
        self._value = value

    def text(self) -> str:
        return f"authkit_no_route = {self._value}"

    phash = text

    def __call__(self, context: object, request: Request) -> bool:  # noqa: ARG002 - Pyramid's signature
        path: str = request.environ.get("PATH_INFO", "")
        return (path.startswith(self._prefix + "/") and request.matched_route is None) is self._value

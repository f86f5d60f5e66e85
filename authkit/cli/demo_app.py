"""The demo: a small Pyramid application that shows who signed in, and asks again for what was not granted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from authkit import AuthKit, Login, Profile
from authkit.cli.words import in_words
from authkit.pyramid import begin, sign_in

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["make_app"]

PAGES = Environment(loader=PackageLoader("authkit.cli"), autoescape=True, undefined=StrictUndefined)
PAGES.filters["in_words"] = in_words
PAGES.tests["count"] = lambda name: name.endswith("_count")


def _told(profile: Profile) -> Mapping[str, Any]:
    """Return what the provider sent; where the plugin passes nothing of that on, what the plugin made of it."""
    named = {field.name: getattr(profile, field.name) for field in fields(profile) if field.name != "raw"}
    return profile.raw or {name: value for name, value in named.items() if value}


def make_app(kit: AuthKit) -> WSGIApplication:
    """Return the demo as a WSGI application that signs people in with `kit`."""
    people: dict[str, Login] = {}

    def on_login(request: Request, login: Login) -> Response:
        people[login.identity.key] = login
        return sign_in(request, login, login.identity.key)

    def home(request: Request) -> Response:
        login = people.get(request.authenticated_userid)
        html = PAGES.get_template("demo.html").render(kit=request.authkit, login=login)
        return Response(html, cache_control="no-store")

    def profile(request: Request) -> Response:
        login = people.get(request.authenticated_userid)
        if login is None:
            return Response(json_body={"error": "nobody is signed in"}, status=401)
        shown = {"identity": login.identity.key, "granted_scopes": login.granted_scopes, **_told(login.profile)}
        return Response(json_body=shown, cache_control="no-store")

    def ask_again(request: Request) -> Response:
        login = people.get(request.authenticated_userid)
        if login is None:
            return HTTPSeeOther("/")
        return begin(request, login.registration, scope=login.missing_scopes, prompt="consent")

    with Configurator() as config:
        config.registry["authkit.kit"] = kit
        config.include("authkit.pyramid")
        config.set_authkit_login_handler(on_login)
        config.add_route("home", "/")
        config.add_view(home, route_name="home")
        config.add_route("profile", "/profile.json")
        config.add_view(profile, route_name="profile")
        config.add_route("ask_again", "/ask-again")
        config.add_view(ask_again, route_name="ask_again")
    app: WSGIApplication = config.make_wsgi_app()
    return app

"""A form for newcomers: who it is says the account that is signed in, and never a field of the form."""

from html import escape

from pyramid.config import Configurator
from pyramid.csrf import CookieCSRFStoragePolicy, get_csrf_token
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response

MEMBERS = {}  # your table: the account's id, and what the newcomer has filled in


def to(request, path):
    return HTTPSeeOther(request.authkit.site.local_url(path))


def home(request):
    account = request.identity
    if account is None:
        return Response('<a href="/auth/tiktok">Continue with TikTok</a>')
    if account.id not in MEMBERS:
        return to(request, "/welcome")
    return Response(f"Hello, {escape(MEMBERS[account.id]['nickname'])}")


def welcome(request):
    account = request.identity
    if account is None:
        return to(request, "/auth/tiktok?return_to=/welcome")
    suggested = escape(account.display_name or "", quote=True)
    return Response(
        f'<form method="post"><input type="hidden" name="csrf_token" value="{get_csrf_token(request)}">'
        f'<input name="nickname" value="{suggested}" required> <button>Join</button></form>'
    )


def join(request):
    account = request.identity
    if account is None:
        return to(request, "/auth/tiktok?return_to=/welcome")
    # One field by its name; who it is, and which of their addresses is verified, TikTok has said.
    MEMBERS.setdefault(account.id, {"nickname": request.POST.get("nickname", "")[:50]})
    return to(request, "/")


def main(global_config, **settings):
    with Configurator(settings=settings) as config:
        config.include("authkit.pyramid.accounts")
        config.set_csrf_storage_policy(CookieCSRFStoragePolicy(secure=True, httponly=True, samesite="Lax"))
        config.add_route("home", "/")
        config.add_route("welcome", "/welcome")
        config.add_view(home, route_name="home")
        config.add_view(welcome, route_name="welcome", request_method="GET")
        config.add_view(join, route_name="welcome", request_method="POST", require_csrf=True)
    return config.make_wsgi_app()

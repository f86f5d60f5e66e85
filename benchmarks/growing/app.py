"""authkit on Pyramid: BENCH_REGISTRATIONS registrations, and accounts where AUTHKIT_ACCOUNTS_DATABASE is set."""

import os

from pyramid.config import Configurator
from pyramid.response import Response

START = "/auth/app{}"


def me(request):
    """Answer who is signed in: an identity, or the identity of an account."""
    if "authkit.database" not in request.registry:
        user = request.authenticated_userid
        return Response(json_body={"user": user and user.rpartition(":")[2]})
    identities = request.accounts.identities(request.identity.id) if request.identity else ()
    return Response(json_body={"user": next((linked.identity.subject for linked in identities), None)})


def make_app(site, provider, client_id, client_secret):
    """Return the app; `site` and `provider` are origins. Logins are at the registration in the middle."""
    global START  # noqa: PLW0603 - it is told once the app is made
    count = int(os.environ.get("BENCH_REGISTRATIONS", "1"))
    settings = {"authkit.secret": "a-secret-for-benchmarks-of-32-bytes-and-more", "authkit.base_url": site}
    for number in range(count):
        settings |= {
            f"authkit.app{number}.provider": "tiktok",
            f"authkit.app{number}.client_key": client_id,
            f"authkit.app{number}.client_secret": client_secret,
            f"authkit.app{number}.token_url": f"{provider}/v2/oauth/token/",
            f"authkit.app{number}.userinfo_url": f"{provider}/v2/user/info/",
        }
    START = START.format(count // 2)
    with Configurator(settings=settings) as config:
        has_accounts = "AUTHKIT_ACCOUNTS_DATABASE" in os.environ
        config.include("authkit.pyramid.accounts" if has_accounts else "authkit.pyramid")
        config.add_route("me", "/me")
        config.add_view(me, route_name="me")
    return config.make_wsgi_app()

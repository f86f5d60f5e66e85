"""authkit on Pyramid, as its README shows it."""

from pyramid.config import Configurator
from pyramid.response import Response

START = "/auth/tiktok"


def me(request):
    """Answer who is signed in."""
    identity = request.authenticated_userid
    return Response(json_body={"user": identity and identity.rpartition(":")[2]})


def make_app(site, provider, client_id, client_secret, **more):
    """Return the app; `site` and `provider` are origins, `more` further settings."""
    settings = {
        "authkit.secret": "a-secret-for-benchmarks-of-32-bytes-and-more",
        "authkit.base_url": site,
        "authkit.tiktok.client_key": client_id,
        "authkit.tiktok.client_secret": client_secret,
        "authkit.tiktok.token_url": f"{provider}/v2/oauth/token/",
        "authkit.tiktok.userinfo_url": f"{provider}/v2/user/info/",
        **more,
    }
    with Configurator(settings=settings) as config:
        config.include("authkit.pyramid")
        config.add_route("me", "/me")
        config.add_view(me, route_name="me")
    return config.make_wsgi_app()

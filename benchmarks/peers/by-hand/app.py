"""A login written by hand with Pyramid and requests-oauthlib, a session per login, as its documentation shows it.

Once with connections of each session's own, once with one pool of connections for the process.
"""

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden, HTTPFound
from pyramid.response import Response
from pyramid.session import SignedCookieSessionFactory
from requests.adapters import HTTPAdapter
from requests_oauthlib import OAuth2Session

START = "/login"
AUTHORIZE_URL = "https://www.tiktok.com/v2/auth/authorize/"
FIELDS = "open_id,union_id,avatar_url,display_name"
POOL = HTTPAdapter(pool_maxsize=64)


def new_session(settings, **more):
    """Return an OAuth session."""
    return OAuth2Session(settings["client_id"], redirect_uri=settings["redirect_uri"], **more)


def new_pooled_session(settings, **more):
    """Return an OAuth session of its own, on the connections that all share."""
    session = new_session(settings, **more)
    session.mount("https://", POOL)
    session.mount("http://", POOL)
    return session


def login(request):
    """Send the user to the provider."""
    settings = request.registry.settings
    session = settings["new_session"](settings, scope=["user.info.basic"])
    url, state = session.authorization_url(AUTHORIZE_URL, client_key=settings["client_id"])
    request.session["state"] = state
    return HTTPFound(url)


def callback(request):
    """Exchange the code, and sign the user in."""
    settings = request.registry.settings
    state = request.session.pop("state", None)
    if not state or request.params.get("state") != state:
        raise HTTPForbidden("state")
    session = settings["new_session"](settings, state=state)
    session.fetch_token(
        settings["token_url"],
        code=request.params["code"],
        client_secret=settings["client_secret"],
        include_client_id=True,
    )
    user = session.get(settings["userinfo_url"], params={"fields": FIELDS}).json()["data"]["user"]
    request.session.invalidate()
    request.session["user"] = user["open_id"]
    return HTTPFound("/")


def me(request):
    """Answer who is signed in."""
    return Response(json_body={"user": request.session.get("user")})


def make_app(site, provider, client_id, client_secret, new_session=new_session):
    """Return the app; `site` and `provider` are origins."""
    settings = {
        "client_id": client_id,
        "client_secret": client_secret,
        "redirect_uri": f"{site}/callback",
        "token_url": f"{provider}/v2/oauth/token/",
        "userinfo_url": f"{provider}/v2/user/info/",
        "new_session": new_session,
    }
    with Configurator(settings=settings) as config:
        config.set_session_factory(
            SignedCookieSessionFactory("a-secret-for-benchmarks-of-32-bytes-and-more", httponly=True, samesite="Lax")
        )
        for view, path in ((login, START), (callback, "/callback"), (me, "/me")):
            config.add_route(view.__name__, path)
            config.add_view(view, route_name=view.__name__)
    return config.make_wsgi_app()


def make_pooled_app(*where):
    """Return the app on one pool; `where` as above."""
    return make_app(*where, new_session=new_pooled_session)

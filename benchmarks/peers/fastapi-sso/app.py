"""fastapi-sso, as its documentation shows it, with Starlette's signed session."""

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from fastapi_sso.sso.base import OpenID
from fastapi_sso.sso.generic import create_provider
from starlette.middleware.sessions import SessionMiddleware

START = "/login"
IS_ASGI = True
FIELDS = "open_id,union_id,avatar_url,display_name"


def person(reply, session):  # noqa: ARG001 - fastapi-sso's signature
    """Return who the provider says it is."""
    return OpenID(id=reply["data"]["user"]["open_id"])


def make_app(site, provider, client_id, client_secret):
    """Return the app; `site` and `provider` are origins."""
    endpoints = {
        "authorization_endpoint": "https://www.tiktok.com/v2/auth/authorize/",
        "token_endpoint": f"{provider}/v2/oauth/token/",
        "userinfo_endpoint": f"{provider}/v2/user/info/?fields={FIELDS}",
    }
    kind = create_provider(name="tiktok", discovery_document=endpoints, response_convertor=person)
    tiktok = kind(
        client_id,
        client_secret,
        redirect_uri=f"{site}/callback",
        scope=["user.info.basic"],
        allow_insecure_http=provider.startswith("http:"),
    )
    app = FastAPI()
    app.add_middleware(SessionMiddleware, secret_key="a-secret-for-benchmarks-of-32-bytes-and-more")

    @app.get(START)
    async def login():
        async with tiktok:
            return await tiktok.get_login_redirect(params={"client_key": client_id})

    @app.get("/callback")
    async def callback(request: Request):
        async with tiktok:
            user = await tiktok.verify_and_process(request)
        request.session.clear()
        request.session["user"] = user.id
        return RedirectResponse("/")

    @app.get("/me")
    async def me(request: Request):
        return {"user": request.session.get("user")}

    return app

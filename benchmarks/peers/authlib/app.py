"""Authlib on Flask, as its documentation shows it."""

from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, session

START = "/login"
FIELDS = "open_id,union_id,avatar_url,display_name"


def make_app(site, provider, client_id, client_secret):
    """Return the app; `site` and `provider` are origins."""
    app = Flask(__name__)
    app.secret_key = "a-secret-for-benchmarks-of-32-bytes-and-more"
    oauth = OAuth(app)
    tiktok = oauth.register(
        "tiktok",
        client_id=client_id,
        client_secret=client_secret,
        authorize_url="https://www.tiktok.com/v2/auth/authorize/",
        authorize_params={"client_key": client_id},
        access_token_url=f"{provider}/v2/oauth/token/",
        api_base_url=f"{provider}/v2/",
        client_kwargs={"scope": "user.info.basic", "token_endpoint_auth_method": "client_secret_post"},
    )

    @app.get(START)
    def login():
        return tiktok.authorize_redirect(f"{site}/callback")

    @app.get("/callback")
    def callback():
        token = tiktok.authorize_access_token()
        user = tiktok.get("user/info/", params={"fields": FIELDS}, token=token).json()["data"]["user"]
        session.clear()
        session["user"] = user["open_id"]
        return redirect("/")

    @app.get("/me")
    def me():
        return {"user": session.get("user")}

    return app

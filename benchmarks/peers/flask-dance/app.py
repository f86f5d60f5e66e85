"""Flask-Dance, as its documentation shows it."""

from flask import Flask, session
from flask_dance.consumer import OAuth2ConsumerBlueprint, oauth_authorized

START = "/tiktok"
FIELDS = "open_id,union_id,avatar_url,display_name"


def make_app(site, provider, client_id, client_secret):  # noqa: ARG001 - it makes its redirect URI of the request
    """Return the app; `provider` is an origin."""
    app = Flask(__name__)
    app.secret_key = "a-secret-for-benchmarks-of-32-bytes-and-more"
    tiktok = OAuth2ConsumerBlueprint(
        "tiktok",
        __name__,
        client_id=client_id,
        client_secret=client_secret,
        scope=["user.info.basic"],
        base_url=f"{provider}/v2/",
        authorization_url="https://www.tiktok.com/v2/auth/authorize/",
        authorization_url_params={"client_key": client_id},
        token_url=f"{provider}/v2/oauth/token/",
        token_url_params={"include_client_id": True},
    )
    app.register_blueprint(tiktok)

    @oauth_authorized.connect_via(tiktok)
    def signed_in(blueprint, token):  # noqa: ARG001 - a signal's signature
        user = blueprint.session.get("user/info/", params={"fields": FIELDS}).json()["data"]["user"]
        session.clear()
        session["user"] = user["open_id"]
        return False  # the token is not kept

    @app.get("/me")
    def me():
        return {"user": session.get("user")}

    return app

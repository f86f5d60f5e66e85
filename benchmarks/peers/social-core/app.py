"""social-core on Django."""

import sys
from pathlib import Path
from types import ModuleType

sys.path.append(str(Path(__file__).resolve().parents[1]))

from django_base import app_with, configure

START = "/login/tiktok/"
METHOD = "POST"
FIELDS = "open_id,union_id,avatar_url,display_name"


def make_backend(provider):
    """Return a backend for TikTok, which social-core has none for."""
    from social_core.backends.oauth import BaseOAuth2

    class TikTok(BaseOAuth2):
        __module__ = "bench_backend"  # Django looks it up by this name
        name = "tiktok"
        ID_KEY = "open_id"
        AUTHORIZATION_URL = "https://www.tiktok.com/v2/auth/authorize/"
        ACCESS_TOKEN_URL = f"{provider}/v2/oauth/token/"
        ACCESS_TOKEN_METHOD = "POST"
        REDIRECT_STATE = False

        def user_data(self, access_token, *args, **kwargs):  # noqa: ARG002 - social-core's signature
            reply = self.get_json(
                f"{provider}/v2/user/info/",
                params={"fields": FIELDS},
                headers={"Authorization": f"Bearer {access_token}"},
            )
            return reply["data"]["user"]

        def get_user_details(self, response):
            return {"username": response["open_id"], "fullname": response["display_name"]}

    return TikTok


def make_app(site, provider, client_id, client_secret):  # noqa: ARG001 - it makes its redirect URI of the request
    """Return the app; `provider` is an origin."""
    configure(
        ["social_django"],
        "bench_backend.TikTok",
        SOCIAL_AUTH_TIKTOK_KEY=client_id,
        SOCIAL_AUTH_TIKTOK_SECRET=client_secret,
        SOCIAL_AUTH_TIKTOK_SCOPE=["user.info.basic"],
        SOCIAL_AUTH_TIKTOK_AUTH_EXTRA_ARGUMENTS={"client_key": client_id},
    )
    backend = ModuleType("bench_backend")
    backend.TikTok = make_backend(provider)
    sys.modules["bench_backend"] = backend

    from django.urls import include, path
    from social_django.models import UserSocialAuth

    return app_with([path("", include("social_django.urls", namespace="social"))], UserSocialAuth)

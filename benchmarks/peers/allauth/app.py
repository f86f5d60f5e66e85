"""django-allauth with its own TikTok provider."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from django_base import app_with, configure

START = "/accounts/tiktok/login/"
ALLAUTH = ("allauth", "allauth.account", "allauth.socialaccount", "allauth.socialaccount.providers.tiktok")


def make_app(site, provider, client_id, client_secret):  # noqa: ARG001 - it makes its redirect URI of the request
    """Return the app; `provider` is an origin."""
    configure(
        ["django.contrib.messages", *ALLAUTH],
        "allauth.account.auth_backends.AuthenticationBackend",
        ["django.contrib.messages.middleware.MessageMiddleware", "allauth.account.middleware.AccountMiddleware"],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        ACCOUNT_EMAIL_VERIFICATION="none",
        ACCOUNT_RATE_LIMITS=False,
        SOCIALACCOUNT_LOGIN_ON_GET=True,
        SOCIALACCOUNT_PROVIDERS={"tiktok": {"APPS": [{"client_id": client_id, "secret": client_secret}]}},
    )
    from allauth.socialaccount.models import SocialAccount
    from allauth.socialaccount.providers.tiktok.views import TikTokOAuth2Adapter
    from django.urls import include, path

    TikTokOAuth2Adapter.access_token_url = f"{provider}/v2/oauth/token/"
    TikTokOAuth2Adapter.profile_url = f"{provider}/v2/user/info/"
    return app_with([path("accounts/", include("allauth.urls"))], SocialAccount)

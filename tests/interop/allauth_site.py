"""A Django site with django-allauth's TikTok provider, and nothing else."""

from __future__ import annotations

import json
import os
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import include, path

GIVEN = json.loads(os.environ["INTEROP"])

settings.configure(
    SECRET_KEY="interop",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "allauth",
        "allauth.account",
        "allauth.socialaccount",
        "allauth.socialaccount.providers.tiktok",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
        }
    ],
    AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
    ACCOUNT_EMAIL_VERIFICATION="none",
    LOGIN_REDIRECT_URL="/me",
    SOCIALACCOUNT_LOGIN_ON_GET=True,
    SOCIALACCOUNT_STORE_TOKENS=True,
    SOCIALACCOUNT_PROVIDERS={
        "tiktok": {
            "APPS": [{"client_id": GIVEN["client_key"], "secret": GIVEN["client_secret"]}],
            "OAUTH_PKCE_ENABLED": GIVEN["pkce"],
        }
    },
)
django.setup()


def me(request: HttpRequest) -> JsonResponse:
    """Say who is signed in, and what allauth keeps of it."""
    from allauth.socialaccount.models import SocialAccount, SocialToken

    if not request.user.is_authenticated:
        return JsonResponse({})
    account = SocialAccount.objects.get(user=request.user)
    token = SocialToken.objects.get(account=account)
    return JsonResponse(
        {
            "username": request.user.get_username(),
            "uid": account.uid,
            "extra_data": account.extra_data,
            "access_token": token.token,
            "refresh_token": token.token_secret,
        }
    )


urlpatterns = [path("accounts/", include("allauth.urls")), path("me", me)]


def point_at_emulator() -> None:
    """Replace the provider's endpoint URLs, which are attributes of its adapter."""
    from allauth.socialaccount.providers.tiktok.views import TikTokOAuth2Adapter

    TikTokOAuth2Adapter.authorize_url = f"{GIVEN['emulator']}/v2/auth/authorize/"
    TikTokOAuth2Adapter.access_token_url = f"{GIVEN['emulator']}/v2/oauth/token/"
    TikTokOAuth2Adapter.profile_url = f"{GIVEN['emulator']}/v2/user/info/"


class QuietHandler(WSGIRequestHandler):
    """A handler that neither logs nor looks up the name of the client's address."""

    def log_message(self, *parts: object) -> None:
        """Say nothing."""

    def address_string(self) -> str:
        """Return the address as it is."""
        return str(self.client_address[0])


def main() -> None:
    """Serve the site on a free port, announce it, and end when standard input ends."""
    point_at_emulator()
    call_command("migrate", verbosity=0)
    # The server stays in this thread: a database in memory belongs to the thread that made it.
    with make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=QuietHandler) as server:
        threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
        sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()

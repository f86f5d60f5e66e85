"""social-core on Django. Accounts are kept in SQLite, sessions in signed cookies."""

import atexit
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

START = "/login/tiktok/"
METHOD = "POST"
FIELDS = "open_id,union_id,avatar_url,display_name"


def configure(client_id, client_secret):
    """Configure Django."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    settings.configure(
        SECRET_KEY="a-secret-for-benchmarks-of-32-bytes-and-more",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="bench_urls",
        USE_TZ=True,
        LOGGING={
            "version": 1,
            "handlers": {"console": {"class": "logging.StreamHandler"}},
            "loggers": {"django.request": {"handlers": ["console"], "level": "ERROR"}},
        },
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(Path(folder.name) / "accounts.sqlite"),
                "CONN_MAX_AGE": None,
                "OPTIONS": {
                    "init_command": "PRAGMA journal_mode=wal; PRAGMA synchronous=normal;",
                    "transaction_mode": "IMMEDIATE",
                    "timeout": 20,
                },
            }
        },
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "social_django",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        AUTHENTICATION_BACKENDS=["bench_backend.TikTok"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        SOCIAL_AUTH_TIKTOK_KEY=client_id,
        SOCIAL_AUTH_TIKTOK_SECRET=client_secret,
        SOCIAL_AUTH_TIKTOK_SCOPE=["user.info.basic"],
        SOCIAL_AUTH_TIKTOK_AUTH_EXTRA_ARGUMENTS={"client_key": client_id},
        LOGIN_REDIRECT_URL="/",
    )


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
    configure(client_id, client_secret)
    django.setup()
    backend = ModuleType("bench_backend")
    backend.TikTok = make_backend(provider)
    sys.modules["bench_backend"] = backend

    from django.http import JsonResponse
    from django.urls import include, path
    from social_django.models import UserSocialAuth

    def me(request):
        found = UserSocialAuth.objects.filter(user_id=request.user.pk).first() if request.user.pk else None
        return JsonResponse({"user": found and found.uid})

    urls = ModuleType("bench_urls")
    urls.urlpatterns = [path("", include("social_django.urls", namespace="social")), path("me", me)]
    sys.modules["bench_urls"] = urls
    call_command("migrate", verbosity=0)
    return get_wsgi_application()

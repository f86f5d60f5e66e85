"""django-allauth with its own TikTok provider. Accounts are kept in SQLite, sessions in signed cookies."""

import atexit
import tempfile
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

START = "/accounts/tiktok/login/"


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
            "django.contrib.messages",
            "django.contrib.sessions",
            "allauth",
            "allauth.account",
            "allauth.socialaccount",
            "allauth.socialaccount.providers.tiktok",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "allauth.account.middleware.AccountMiddleware",
        ],
        AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        ACCOUNT_EMAIL_VERIFICATION="none",
        ACCOUNT_RATE_LIMITS=False,
        SOCIALACCOUNT_LOGIN_ON_GET=True,
        SOCIALACCOUNT_PROVIDERS={"tiktok": {"APPS": [{"client_id": client_id, "secret": client_secret}]}},
        LOGIN_REDIRECT_URL="/",
    )


def make_app(site, provider, client_id, client_secret):  # noqa: ARG001 - it makes its redirect URI of the request
    """Return the app; `provider` is an origin."""
    configure(client_id, client_secret)
    django.setup()
    import sys
    from types import ModuleType

    from allauth.socialaccount.models import SocialAccount
    from allauth.socialaccount.providers.tiktok.views import TikTokOAuth2Adapter
    from django.http import JsonResponse
    from django.urls import include, path

    TikTokOAuth2Adapter.access_token_url = f"{provider}/v2/oauth/token/"
    TikTokOAuth2Adapter.profile_url = f"{provider}/v2/user/info/"

    def me(request):
        found = SocialAccount.objects.filter(user_id=request.user.pk).first() if request.user.pk else None
        return JsonResponse({"user": found and found.uid})

    urls = ModuleType("bench_urls")
    urls.urlpatterns = [path("accounts/", include("allauth.urls")), path("me", me)]
    sys.modules["bench_urls"] = urls
    call_command("migrate", verbosity=0)
    return get_wsgi_application()

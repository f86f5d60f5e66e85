"""What the apps on Django share: accounts in SQLite, sessions in signed cookies, and a page that says who it is."""

import atexit
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

APPS = ("django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions")
MIDDLEWARE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)


def configure(apps, backend, middleware=(), **more):
    """Configure Django with some apps and middleware beyond the usual, and further settings."""
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
        INSTALLED_APPS=[*APPS, *apps],
        MIDDLEWARE=[*MIDDLEWARE, *middleware],
        AUTHENTICATION_BACKENDS=[backend],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        LOGIN_REDIRECT_URL="/",
        **more,
    )
    django.setup()


def app_with(routes, social_accounts):
    """Return the app with these routes and ``/me``, which looks a user up in the model of social accounts."""
    from django.http import JsonResponse
    from django.urls import path

    def me(request):
        found = social_accounts.objects.filter(user_id=request.user.pk).first() if request.user.pk else None
        return JsonResponse({"user": found and found.uid})

    urls = ModuleType("bench_urls")
    urls.urlpatterns = [*routes, path("me", me)]
    sys.modules["bench_urls"] = urls
    call_command("migrate", verbosity=0)
    return get_wsgi_application()

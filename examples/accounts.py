"""Accounts: whoever continues with TikTok has one, and comes back to it."""

from html import escape

from pyramid.config import Configurator
from pyramid.response import Response


def home(request):
    account = request.identity
    if account is None:
        return Response('<a href="/auth/tiktok">Continue with TikTok</a>')
    return Response(
        f"<p>Hello, {escape(account.display_name or 'you')}</p>"
        '<p><a href="/auth/accounts?return_to=/">Connected accounts</a></p>'
        '<form method="post" action="/auth/logout"><button>Sign out</button></form>'
    )


def main(global_config, **settings):
    with Configurator(settings=settings) as config:
        config.include("authkit.pyramid.accounts")
        config.add_route("home", "/")
        config.add_view(home, route_name="home")
    return config.make_wsgi_app()


if __name__ == "__main__":
    __import__("waitress").serve(main({}), listen="127.0.0.1:6543")

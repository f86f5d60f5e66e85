"""Continue with TikTok, in Pyramid."""

from pyramid.config import Configurator
from pyramid.response import Response

from authkit.pyramid import sign_in


def on_login(request, login):
    # Your database here: login.identity.key is who it is, login.profile what TikTok says of them.
    return sign_in(request, login, login.identity.key)


def home(request):
    who = request.authenticated_userid
    return Response(f"Hello, {who}" if who else '<a href="/auth/tiktok">Continue with TikTok</a>')


def main(global_config, **settings):
    with Configurator(settings=settings) as config:
        config.include("authkit.pyramid")
        config.set_authkit_login_handler(on_login)
        config.add_route("home", "/")
        config.add_view(home, route_name="home")
    return config.make_wsgi_app()


if __name__ == "__main__":
    __import__("waitress").serve(main({}), listen="127.0.0.1:6543")

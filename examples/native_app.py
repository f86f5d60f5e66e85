"""A server for native apps: an app on a phone signs its user in with TikTok, and gets a JWT."""

from pyramid.config import Configurator


def hello(request):
    """What the phone asks for with its JWT: nobody else is let in."""
    account = request.accounts.get(request.authenticated_userid)
    return {"hello": account.display_name, "account": account.id}


def main(global_config, **settings):
    with Configurator(settings=settings) as config:
        config.include("authkit.pyramid.native")
        config.add_route("hello", "/api/hello")
        config.add_view(hello, route_name="hello", renderer="json", permission="signed in")
    return config.make_wsgi_app()


if __name__ == "__main__":
    __import__("waitress").serve(main({}), listen="127.0.0.1:6543")

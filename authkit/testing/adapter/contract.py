"""`AdapterContract`: what an adapter of any web framework has to do, as a class of tests."""

from __future__ import annotations

from authkit.testing.adapter.callbacks import Callbacks
from authkit.testing.adapter.cookies import Cookies
from authkit.testing.adapter.handlers import Handlers
from authkit.testing.adapter.names import Names
from authkit.testing.adapter.redirects import Redirects
from authkit.testing.adapter.refusals import Refusals
from authkit.testing.adapter.reports import Reports
from authkit.testing.adapter.sessions import Sessions
from authkit.testing.adapter.signout import SignOut
from authkit.testing.adapter.starts import Starts

__all__ = ["AdapterContract"]


class AdapterContract(Starts, Names, Callbacks, Cookies, Redirects, Refusals, Reports, Handlers, Sessions, SignOut):
    """The tests that an adapter has to pass. A test of an adapter is a class with one method, `make_app`.

    The application that it returns is driven as a WSGI server drives it, without a socket. The provider behind it
    is an emulator. What an application lacks is skipped, and the report says so: see the attributes of `Stage`.

    Example::

        from authkit.testing import AdapterContract

        class TestFlaskAdapter(AdapterContract):
            sessions = "cookie"

            def make_app(self, kit, on_login=None):
                app = Flask(__name__)
                app.register_blueprint(authkit_blueprint(kit, on_login))
                app.get("/me")(lambda: current_user())
                ...
                return app
    """

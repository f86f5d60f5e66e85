"""The Pyramid adapter keeps the contract of adapters, in every kind of app."""

from __future__ import annotations

import json

import pytest
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid_apps import KINDS, handled_by, make_app

from authkit.pyramid import sign_in
from authkit.testing import AdapterContract

pytestmark = pytest.mark.pyramid


def session_view(config):
    """Add the view that the contract asks the content of a session with."""

    def show(request):
        request.session.update(request.GET)
        content = {name: value for name, value in request.session.items() if name != "userid"}
        return Response(json.dumps(content), content_type="application/json", charset="utf-8")

    config.add_route("content", "/session")
    config.add_view(show, route_name="content", permission=NO_PERMISSION_REQUIRED)


class PyramidContract(AdapterContract):
    nobody = "anonymous"
    kind = "plain"

    def make_app(self, kit, on_login=None):
        def handler(request, login):
            response = sign_in(request, login, login.identity.key)
            on_login(login)
            return response

        own = [handled_by(handler)] if on_login else []
        return make_app(kit, *KINDS[self.kind], *own, session_view)


class TestPlainApp(PyramidContract):
    kind = "plain"


@pytest.mark.unmeasured
class TestAppWithItsOwnPolicy(PyramidContract):
    kind = "own-policy"


@pytest.mark.unmeasured
class TestAppWithARootFactory(PyramidContract):
    kind = "root-factory"


@pytest.mark.unmeasured
class TestAppWithSignedCookieSession(PyramidContract):
    kind, sessions = "signed-cookie-session", "cookie"


@pytest.mark.unmeasured
class TestAppWithStrictDefaults(PyramidContract):
    kind, sessions = "strict-defaults", "cookie"


@pytest.mark.unmeasured
class TestAppThatKeepsUsersInItsSignedCookieSession(PyramidContract):
    kind, sessions = "session-policy-signed-cookie", "cookie"


@pytest.mark.unmeasured
class TestAppWithServerSession(PyramidContract):
    kind, sessions = "server-session", "server"


@pytest.mark.unmeasured
class TestAppThatKeepsUsersInItsServerSession(PyramidContract):
    kind, sessions = "session-policy-server", "server"


def test_every_kind_of_app_is_under_contract():
    assert {found.kind for found in PyramidContract.__subclasses__()} == set(KINDS)

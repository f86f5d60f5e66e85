"""The OpenAPI document of the native endpoints, against the running app."""

from __future__ import annotations

import importlib.util
import json
import warnings
from pathlib import Path

import pytest
from conftest import needs
from native_apps import PhoneApp
from native_world import parts_of
from pyramid_apps import HTTPS

from authkit import errors
from authkit.native.answers import NAMES
from authkit.pyramid.native import BROWSER_ROUTES, JSON_ROUTES

pytest_plugins = ["account_fixtures"]
pytestmark = pytest.mark.pyramid

DOCUMENT = Path(__file__).parents[1] / "docs" / "openapi.json"
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document():
    return json.loads(DOCUMENT.read_text(encoding="utf-8"))


@pytest.fixture
def app(new_world, sqlite):
    return PhoneApp(new_world, sqlite, settings={"authkit.native.accept_access_tokens": "yes"})


def test_it_has_every_route_and_no_other(document):
    ours = {path.replace("{session}", "{id}") for _, path, _ in (*JSON_ROUTES, *BROWSER_ROUTES)}

    assert set(document["paths"]) == ours


def test_it_has_the_one_method_of_each_route(document, app):
    for path, operations in document["paths"].items():
        answer = app.ask("BREW", path.replace("{registration}", "acme"))
        assert [method.upper() for method in operations] == [answer.get("Allow")]


def test_it_names_the_codes_that_there_are(document):
    codes = {getattr(errors, name).code for name in errors.__all__ if hasattr(getattr(errors, name), "code")}
    described = {
        code.strip()
        for response in document["components"]["responses"].values()
        for code in response["description"].partition(":")[0].replace(" or ", " ").split(",")
    }

    assert described <= codes
    statuses = {int(status) for operation in operations_of(document) for status in operation["responses"]}
    assert statuses <= {200, 302, 303, 429, *NAMES}


def operations_of(document):
    return [operation for path in document["paths"].values() for operation in path.values()]


@pytest.mark.slow
@pytest.mark.interop
def test_the_app_answers_as_the_document_says(document, app):
    needs(importlib.util.find_spec("schemathesis"), "schemathesis: the group `interop` of pyproject.toml")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it builds on packages that are being renamed
        asked, passed = examine(document, app)

    assert set(asked) == {operation["operationId"] for operation in operations_of(document)}
    assert {"sessions", "logout", "endSession", "refresh", "connect", "keys", "start"} <= passed


def examine(document, app):
    """Send what schemathesis makes up; return how often each operation was asked, and which ones ever succeeded."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
    ]
    local = {**document, "servers": [{"url": "https://app.example/auth"}]}
    schema = schemathesis.openapi.from_wsgi("/openapi.json", served(app, json.dumps(local)))
    bearer = app.sign_in()["jwt"]
    asked, passed = {}, set()

    def ask(case):
        name = case.operation.definition.raw["operationId"]
        number = asked[name] = asked.get(name, 0) + 1
        if number % 3 == 1:
            aim(case, name, app)
        response = case.call(headers={"Authorization": f"Bearer {bearer}"} if number % 2 else {})
        if response.status_code < 400:
            passed.add(name)
        case.validate_response(response, checks=checks)

    rules = settings(
        max_examples=12,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),
    )
    for result in schema.get_all_operations():
        strategy = result.ok().as_strategy()
        seed(1)(rules(given(strategy)(ask)))()
    return asked, passed


def aim(case, name, app):
    """Give a request what it takes to succeed."""
    if "registration" in (case.path_parameters or {}):
        case.path_parameters["registration"] = "acme"
    if name == "start":
        case.query = {"app": "phone", "challenge": "c" * 43}
    elif name == "connect":
        case.body = {"access_token": "handed-in"}
    elif name == "refresh":
        case.body = {"refresh_token": app.sign_in()["refresh_token"]}
    elif name == "endSession":
        case.path_parameters["id"] = parts_of(app.sign_in()["jwt"])[1]["sid"]


def served(app, text):
    """Return the app as one origin of its own, with the document beside it."""

    def serve(environ, start_response):
        environ.update(HTTPS)
        if environ["PATH_INFO"] == "/openapi.json":
            start_response("200 OK", [("Content-Type", "application/json")])
            return [text.encode()]
        return app.world.app(environ, start_response)

    return serve

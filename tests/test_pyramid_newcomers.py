"""A form that an app shows newcomers after their first login: its fields say nothing of who they are."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from sqlalchemy import select
from webtest import TestApp

from authkit.accounts import Accounts
from authkit.accounts.migrate import upgrade
from authkit.accounts.schema import identities
from authkit.testing import login_as

pytestmark = pytest.mark.pyramid

OURS = {"Origin": "https://app.example"}
FORGED = {
    "provider": "google",
    "provider_uid": "victim",
    "uid": "victim",
    "identity": "v1:tiktok:tiktok-client:victim",
    "account_id": "victim",
    "email": "victim@app.example",
    "email_verified": "true",
    "is_admin": "1",
}


@pytest.fixture
def newcomers(authkit_settings, monkeypatch):
    """Give the example, with nobody in it, and its app."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "examples")
    module = importlib.import_module("newcomers")
    module.MEMBERS.clear()
    app = module.main({}, **authkit_settings)
    upgrade(app.registry["authkit.database"])
    yield module, app
    app.registry["authkit.database"].close()


def known(app):
    """Return all that is kept of identities."""
    database = app.registry["authkit.database"]
    query = select(identities).order_by(identities.c.id)
    return database.read(lambda executor: [tuple(row) for row in executor.execute(query)])


def test_acc_14_a_form_that_names_another_identity_finishes_the_profile_of_whoever_is_signed_in(newcomers):
    module, app = newcomers
    login_as(TestApp(app), "tiktok", subject="victim")
    browser = TestApp(app)
    login_as(browser, "tiktok", subject="newcomer")
    before = known(app)
    page = browser.get("/welcome")
    fields = {**FORGED, "csrf_token": page.form["csrf_token"].value, "nickname": "mine"}
    browser.post("/welcome?provider_uid=victim", fields, headers=OURS, status=303)

    accounts = Accounts(app.registry["authkit.kit"], app.registry["authkit.database"])
    [newcomer] = [row.account_id for row in _rows(app) if row.subject == "newcomer"]
    assert dict(module.MEMBERS) == {newcomer: {"nickname": "mine"}}
    assert known(app) == before
    assert [linked.identity.subject for linked in accounts.identities(newcomer)] == ["newcomer"]
    assert [(row.email, row.email_verified) for row in _rows(app)] == [(None, False)] * 2


def _rows(app):
    return app.registry["authkit.database"].read(lambda executor: executor.execute(select(identities)).all())


def test_acc_14_the_form_of_one_newcomer_is_of_no_use_to_another_browser(newcomers):
    module, app = newcomers
    browser = TestApp(app)
    login_as(browser, "tiktok", subject="newcomer")
    token = browser.get("/welcome").form["csrf_token"].value
    attacker = TestApp(app, extra_environ={"wsgi.url_scheme": "https", "HTTP_HOST": "app.example"})

    attacker.post("/welcome", {"csrf_token": token, "nickname": "theirs"}, headers=OURS, status=400)
    signed_out = attacker.get("/welcome", status=303)

    assert dict(module.MEMBERS) == {}
    assert signed_out.location == "https://app.example/auth/tiktok?return_to=/welcome"

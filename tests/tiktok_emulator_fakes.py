"""TikTok's emulator with an app and its browser, without a socket and with nothing of authkit's provider."""

from __future__ import annotations

import itertools
import re
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from bs4 import BeautifulSoup

from authkit.emulator import WsgiTransport
from authkit_tiktok.emulator import App, TikTokEmulator, TikTokSwitches
from authkit_tiktok.emulator.user import EXAMPLE_USERS

KEY, SECRET = "awexamplekey00001", "SECRET"
CALLBACK = "https://app.example.test/auth/tiktok/callback/"
LOOPBACK = "http://127.0.0.1:3455/callback/"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3"
AUTHORIZE = "https://www.tiktok.com/v2/auth/authorize/"
API = "https://open.tiktokapis.com/v2"
SAMPLE_URL = (
    "https://www.tiktok.com/v2/auth/authorize/?client_key=awexamplekey00001&response_type=code"
    "&scope=user.info.basic%2Cuser.info.profile"
    "&redirect_uri=https%3A%2F%2Fapp.example.test%2Fauth%2Ftiktok%2Fcallback%2F&state=s7Qm2cVx"
    f"&code_challenge={CHALLENGE}&code_challenge_method=S256"
)
NOON = 1795262400.0  # 2026-11-21 12:00:00 UTC
ALL_SCOPES = ("user.info.basic", "user.info.profile", "user.info.stats", "video.list")
MALFORMED = ("invalid_request", "The request parameters are malformed.")
BAD_VERIFIER = ("invalid_request", "Code verifier or code challenge is invalid.")
CODE_ENDED = ("invalid_grant", "Authorization code is expired.")
REFRESH_ENDED = ("invalid_grant", "Refresh token is invalid or expired.")
ACCESS_ENDED = ("invalid_grant", "Access token is invalid or expired.")
WRONG_CLIENT = ("invalid_client", "Client key or secret is incorrect.")


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


class World:
    """An emulator, the clock and a session with an app and its browser."""

    def __init__(self, *, app=None, apps=None, users=EXAMPLE_USERS, random=None, faults=(), **switches):
        self.clock = Clock()
        numbers = itertools.count(1)
        self.app = app or App(KEY, SECRET, ALL_SCOPES)
        self.emulator = TikTokEmulator(
            clock=self.clock,
            random=random or (lambda size: sha256(b"%d" % next(numbers)).digest()[:size]),
            apps=apps or [self.app],
            users=users,
            faults=faults,
            switches=TikTokSwitches(**switches),
        )
        self.http = requests.Session()
        self.http.trust_env = False
        for scheme in ("http://", "https://"):
            self.http.mount(scheme, WsgiTransport(self.emulator))

    @property
    def broken(self):
        """The id of the rule that the last request broke, None when it broke none."""
        rule = self.emulator.requests[-1].broken
        return rule.id if rule else None

    def open_id(self, user=0, client_key=KEY):
        """The id that the consent page of an app has for a user."""
        page = self.http.get(authorize_url({"client_key": client_key, "disable_auto_auth": "1"})).text
        return BeautifulSoup(page, "html.parser").select("[name=user]")[user]["value"]

    def browse(self, changes=None, **options):
        """GET the authorization request, changed by `changes`, without going anywhere else."""
        return self.http.get(authorize_url(changes), allow_redirects=False, **options)

    def consent(self, form, changes=None):
        return self.http.post(authorize_url(changes), data=form, allow_redirects=False)

    def code(self, **options):
        callback = self.emulator.approve(authorize_url(options.pop("changes", None)), **options)
        return dict(parse_qsl(urlsplit(callback).query))["code"]

    def post(self, path="/oauth/token/", form=None, **options):
        return self.http.post(f"{API}{path}", data=form, allow_redirects=False, **options)

    def exchange(self, code, /, **changes):
        return self.post(form=code_form(code, **changes))

    def refresh(self, token, **changes):
        return self.post(form={**client(), "grant_type": "refresh_token", "refresh_token": token, **changes})

    def revoke(self, token, **changes):
        return self.post("/oauth/revoke/", {**client(), "token": token, **changes})

    def tokens(self, **options):
        return self.exchange(self.code(**options)).json()

    def userinfo(self, token, fields="open_id"):
        return self.http.get(
            f"{API}/user/info/",
            params=None if fields is None else {"fields": fields},
            headers={"Authorization": f"Bearer {token}"},
            allow_redirects=False,
        )


def authorize_url(changes=None):
    """The sample request; None takes a parameter away."""
    query = dict(parse_qsl(urlsplit(SAMPLE_URL).query)) | (changes or {})
    return f"{AUTHORIZE}?{urlencode({name: value for name, value in query.items() if value is not None})}"


def client():
    return {"client_key": KEY, "client_secret": SECRET}


def code_form(code, /, **changes):
    form = {**client(), "code": code, "grant_type": "authorization_code", "redirect_uri": CALLBACK}
    return {
        name: value for name, value in {**form, "code_verifier": VERIFIER, **changes}.items() if value is not None
    }


def refusal(response):
    """The error of a token answer, having checked its status, keys and log id."""
    body = response.json()
    assert (response.status_code, sorted(body)) == (200, ["error", "error_description", "log_id"])
    assert re.fullmatch(r"20\d{12}[0-9A-F]{20}", body["log_id"])
    return body["error"], body["error_description"]

"""The two endpoints of a login by QR code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from authkit.emulator import Answer, Request
from authkit_tiktok.emulator import rulebook
from authkit_tiktok.emulator.app import App
from authkit_tiktok.emulator.credentials import Form, TokenError, read_client
from authkit_tiktok.emulator.ledger import Code
from authkit_tiktok.emulator.oauth import Done, answer_oauth
from authkit_tiktok.emulator.qrcodes import QrCode
from authkit_tiktok.emulator.user import User
from authkit_tiktok.emulator.world import World

__all__ = ["QrEndpoints"]

STATE_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class QrEndpoints:
    """``POST /v2/oauth/get_qrcode/`` and ``POST /v2/oauth/check_qrcode/`` ("QR code authorization")."""

    world: World

    def start(self, request: Request) -> Answer:
        """Answer what an app makes a QR code of, and a token to ask with what became of it."""
        return answer_oauth(self.world, request, self._start)

    def check(self, request: Request) -> Answer:
        """Answer how far the login has come, and the authorization code once it is confirmed."""
        return answer_oauth(
            self.world, request, lambda form: self._check(read_client(request, form, self.world.apps), form)
        )

    def _start(self, form: Form) -> Done:
        """Start a login. It takes no secret and no redirect URI; there is no PKCE."""
        key, scope = form.get("client_key", ""), form.get("scope", "")
        if not key or not scope or len(form.get("state", "")) > STATE_LIMIT:
            raise TokenError(rulebook.T01 if not key and "client_id" in form else rulebook.QR_FIELDS)
        app = self.world.apps.get(key)
        if app is None:
            raise TokenError(rulebook.CLIENT_KEY, "invalid_client", "Client key or secret is incorrect.")
        if app.status == "draft" or not app.has_login_kit:
            broken = rulebook.DRAFT_APP if app.status == "draft" else rulebook.LOGIN_KIT
            raise TokenError(broken, "unauthorized_client", "The client is not authorized to request a code.")
        scopes = tuple(dict.fromkeys(scope.split(",")))
        if not set(scopes) <= set(app.scopes):
            broken = rulebook.T02 if " " in scope else rulebook.T27
            raise TokenError(broken, "invalid_scope", "The requested scope is invalid.")
        token = self.world.ledger.new_token("")
        url = self.world.qrcodes.add(token, app, scopes, form.get("state", ""))
        return {"scan_qrcode_url": url, "token": token}, None

    def _check(self, app: App, form: Form) -> Done:
        code = self.world.qrcodes.check(form.get("token", ""), app)
        if code is None:
            raise TokenError(rulebook.QR_TOKEN)
        handed_over = self._hand_over(code, code.user) if code.status == "confirmed" and code.user else {}
        return {"client_ticket": code.ticket, **handed_over, "status": code.status}, None

    def _hand_over(self, confirmed: QrCode, user: User) -> Mapping[str, str]:
        """Return an authorization code and the state, in the address of a callback as TikTok's example has them.

        An app that has registered no redirect URI gets them as fields, which is what TikTok's table has.
        """
        ledger, app = self.world.ledger, confirmed.app
        redirect_uri = next((uri for uri in app.redirect_uris if ":*/" not in uri), "")
        ledger.connect(user, app, confirmed.scopes)
        grant = ledger.grant(user, app, confirmed.scopes)
        answer = {"code": ledger.new_code(Code(grant, redirect_uri, challenge="", is_scanned=True))}
        if confirmed.state:
            answer["state"] = confirmed.state
        return {"redirect_uri": f"{redirect_uri}?{urlencode(answer)}"} if redirect_uri else answer

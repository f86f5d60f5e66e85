"""Clients that refresh or revoke wrongly."""

from __future__ import annotations

from dataclasses import replace

from authkit import Secret, errors
from seeded.by_hand import REVOKE, SERVER, TOKEN, AcmeClient
from seeded.defect import Clients

client = Clients()


@client("A refresh is sent as an exchange.", "test_a_refresh_is_a_grant_of_its_own")
class AnExchange(AcmeClient):
    def refresh_form(self, token):
        return {**super().refresh_form(token), "grant_type": "authorization_code"}


@client("A refresh lacks the client secret.", "test_a_refresh_says_which_app_asks")
class NoSecret(AcmeClient):
    def refresh_form(self, token):
        form = super().refresh_form(token)
        del form["client_secret"]
        return form


@client("The refresh token is in the address as well.", "test_a_refresh_sends_the_refresh_token_in_the_form")
class InTheAddress(AcmeClient):
    def refresh(self, token):
        if token.refresh_token is None:
            return super().refresh(token)
        address = f"{TOKEN}?refresh_token={token.refresh_token.reveal()}"
        try:
            reply = self.read(self.session().post(address, data=self.refresh_form(token)))
        except errors.ProviderRejected as exc:
            raise errors.ReauthRequired(exc.reason) from None
        return self.read_token(reply, token.scope, token)


@client("A refresh gives back the old token.", "test_a_token_can_be_refreshed")
class TheOldOne(AcmeClient):
    def refresh(self, token):
        return token if token.refresh_token else super().refresh(token)


@client("The old refresh token is kept.", "test_a_new_refresh_token_replaces_the_old_one")
class OldKept(AcmeClient):
    def refresh(self, token):
        return replace(super().refresh(token), refresh_token=token.refresh_token)


@client("Without a new refresh token there is none.", "test_without_a_new_refresh_token_the_old_one_stays")
class Lost(AcmeClient):
    def read_refresh_token(self, data, old):
        return super().read_refresh_token(data, None)


@client("An empty refresh token replaces the old one.", "test_an_empty_refresh_token_is_none")
class EmptyTaken(AcmeClient):
    def read_refresh_token(self, data, old):
        if old is not None and data.get("refresh_token", old) == "":
            return Secret("")
        return super().read_refresh_token(data, old)


@client("A refused refresh is a refusal like any other.", "test_a_refused_refresh_asks_for_a_new_login")
class LikeAnyOther(AcmeClient):
    def refresh(self, token):
        if token.refresh_token is None:
            return super().refresh(token)
        return self.read_token(self.ask(self.refresh_form(token)), token.scope, token)


@client("A refresh that fails for now ends the login.", "test_a_refresh_that_fails_for_now_keeps_the_login")
class EndsTheLogin(AcmeClient):
    def refresh(self, token):
        try:
            return super().refresh(token)
        except errors.AuthkitError as exc:
            raise errors.ReauthRequired(exc.reason) from None


@client("A refresh token is taken for granted.", "test_without_a_refresh_token_nothing_is_refreshed")
class TakenForGranted(AcmeClient):
    def refresh(self, token):
        token.refresh_token.reveal()
        return super().refresh(token)


@client("A refresh loses the scope.", "test_a_refresh_keeps_the_scope")
class ScopeLost(AcmeClient):
    def refresh(self, token):
        return super().refresh(replace(token, scope=()))


@client(
    "A refresh may name anybody.",
    "test_a_refresh_that_names_somebody_else_is_refused",
    server=replace(SERVER, subject_param="user"),
)
class Anybody(AcmeClient):
    def read_token(self, data, scope, old=None):
        subject = data.get("user")
        if not isinstance(subject, str) or not subject.strip():
            raise errors.ProviderProtocolError("the answer does not name the user")
        return replace(super().read_token(data, scope, old), subject=subject)


@client("Revoking says nothing.", "test_revoking_says_whether_it_was_done")
class SaysNothing(AcmeClient):
    def revoke(self, token):
        super().revoke(token)


@client("A token is only forgotten.", "test_a_revoked_token_is_dead")
class OnlyForgotten(AcmeClient):
    def revoke(self, token):
        return True


@client("A revocation lacks the client secret.", "test_a_revocation_says_which_app_asks")
class RevokedWithoutSecret(AcmeClient):
    def revoke_form(self, token):
        form = super().revoke_form(token)
        del form["client_secret"]
        return form


@client("A token is revoked in an address.", "test_a_revocation_sends_the_token_in_the_form")
class RevokedInTheAddress(AcmeClient):
    def revoke(self, token):
        form = self.revoke_form(token)
        doomed = form.pop("token")
        self.read(self.session().post(f"{REVOKE}?token={doomed}", data=form))
        return True


@client("A revocation that is refused counts as done.", "test_a_refused_revocation_is_an_error")
class CountsAsDone(AcmeClient):
    def revoke(self, token):
        reply = self.session().post(REVOKE, data=self.revoke_form(token))
        self.look_at_status(reply)
        return True


@client("A revocation that fails for now is a refusal.", "test_a_revocation_that_fails_for_now_is_unavailable")
class Refusal(AcmeClient):
    def revoke(self, token):
        try:
            return super().revoke(token)
        except errors.ProviderUnavailable as exc:
            raise errors.ProviderRejected(exc.reason) from None


DEFECTS = tuple(client.found)

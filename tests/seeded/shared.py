"""Clients that keep something, let something out, or reach past what they were given."""

from __future__ import annotations

import logging
import os

import requests

from authkit import errors
from seeded.by_hand import ME, AcmeByHand, AcmeClient, read_acme
from seeded.defect import Clients, ContractByHand, Defect

client = Clients()
logger = logging.getLogger("authkit_acme")


@client("The verifier is kept on the client.", "test_two_interleaved_logins_do_not_mix")
class VerifierKept(AcmeClient):
    def parameters(self, request):
        self.verifier = request.code_verifier
        return super().parameters(request)

    def exchange_form(self, response, code):
        return {**super().exchange_form(response, code), "code_verifier": self.verifier.reveal()}


@client("The last token is kept on the client.", "test_nothing_of_a_login_is_kept")
class TokenKept(AcmeClient):
    def exchange(self, response):
        self.token = super().exchange(response)
        return self.token


@client("An environment variable is set.", "test_a_login_leaves_the_environment_alone")
class Environment(AcmeClient):
    def authorization_url(self, request):
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
        return super().authorization_url(request)


@client("User info is asked without the transport.", "test_nothing_goes_past_the_transport")
class PastTheTransport(AcmeClient):
    def fetch_profile(self, token):
        headers = {"Authorization": f"Bearer {token.access_token.reveal()}"}
        return read_acme(self.read(requests.get(ME, headers=headers, timeout=10)))


@client("The token answer is logged.", "test_nothing_secret_is_logged")
class Logged(AcmeClient):
    def ask(self, form):
        data = super().ask(form)
        logger.debug("the answer: %s", data)
        return data


@client("The token request is printed.", "test_nothing_secret_is_printed")
class Printed(AcmeClient):
    def ask(self, form):
        print(form)  # noqa: T201 - that is the mistake
        return super().ask(form)


@client("The client's repr shows its secret.", "test_nothing_secret_is_in_a_repr")
class Shown(AcmeClient):
    def __repr__(self):
        return f"AcmeClient({self.client_id!r}, {self.client_secret.reveal()!r})"


@client("An error quotes the token request.", "test_nothing_secret_is_in_an_error")
class Quoted(AcmeClient):
    def ask(self, form):
        try:
            return super().ask(form)
        except errors.ProviderUnavailable:
            raise errors.ProviderUnavailable(f"the provider failed on {form}") from None


class Mutable(AcmeByHand):
    """A provider that is not frozen."""

    def __init__(self):
        self.__dict__.update(make=Widened, name="acme", title="Acme", default_scope=("profile", "email"), prompts={})


class Widened(AcmeClient):
    def parameters(self, request):
        known = self.provider.default_scope
        self.provider.__dict__["default_scope"] = tuple(dict.fromkeys((*known, *request.scope)))
        return super().parameters(request)


class TestMutable(ContractByHand):
    provider = Mutable()


DEFECTS = (
    *client.found,
    Defect("What one login asks for is added for all.", "test_a_login_changes_nothing_of_the_provider", TestMutable),
)

"""Clients that read the callback wrongly, or whose token request is wrong."""

from __future__ import annotations

from urllib.parse import unquote, urlencode

from requests.auth import HTTPBasicAuth

from authkit import errors
from seeded.by_hand import TOKEN, AcmeClient
from seeded.defect import Clients

client = Clients()
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@client("The token request is JSON.", "test_the_token_request_is_a_form_sent_by_post")
class AsJson(AcmeClient):
    def exchange(self, response):
        form = self.exchange_form(response, self.read_code(response.params))
        return self.read_token(self.read(self.session().post(TOKEN, json=form)), response.scope)


@client("The grant type is called code.", "test_the_grant_type_is_authorization_code")
class GrantOfCode(AcmeClient):
    def exchange_form(self, response, code):
        return {**super().exchange_form(response, code), "grant_type": "code"}


@client("The code has another name.", "test_the_code_is_in_the_token_request")
class MisnamedCode(AcmeClient):
    def exchange_form(self, response, code):
        form = super().exchange_form(response, code)
        return {"authorization_code": form.pop("code"), **form}


@client("The code is decoded once more.", "test_a_code_with_odd_characters_arrives_as_it_is")
class DecodedTwice(AcmeClient):
    def exchange_form(self, response, code):
        return super().exchange_form(response, unquote(code))


@client("The token request has another redirect URI.", "test_the_redirect_uri_is_the_same_in_both_requests")
class OtherRedirectUri(AcmeClient):
    def exchange_form(self, response, code):
        return {**super().exchange_form(response, code), "redirect_uri": f"{response.redirect_uri}/"}


@client("The verifier is not sent.", "test_the_verifier_is_in_the_token_request")
class NoVerifier(AcmeClient):
    def exchange_form(self, response, code):
        return {
            name: value for name, value in super().exchange_form(response, code).items() if name != "code_verifier"
        }


@client("The token request lacks the client secret.", "test_the_token_request_says_which_app_asks")
class NoSecret(AcmeClient):
    def exchange_form(self, response, code):
        return {
            name: value for name, value in super().exchange_form(response, code).items() if name != "client_secret"
        }


@client("The client secret is in the header and in the form.", "test_the_client_secret_is_sent_in_one_way")
class BothWays(AcmeClient):
    def exchange(self, response):
        form = self.exchange_form(response, self.read_code(response.params))
        auth = HTTPBasicAuth(self.client_id, self.client_secret.reveal())
        return self.read_token(self.read(self.session().post(TOKEN, data=form, auth=auth)), response.scope)


@client("Client id and secret are put into the form as they are.", "test_odd_credentials_arrive_as_they_are")
class RawCredentials(AcmeClient):
    def ask(self, form):
        raw = "&".join(f"{name}={value}" for name, value in self.credentials().items())
        rest = {name: value for name, value in form.items() if name not in self.credentials()}
        return self.read(self.session().post(TOKEN, data=f"{raw}&{urlencode(rest)}", headers=FORM))


@client("The client secret is in the address as well.", "test_no_secret_is_in_an_address")
class SecretInTheAddress(AcmeClient):
    def exchange(self, response):
        form = self.exchange_form(response, self.read_code(response.params))
        reply = self.session().post(TOKEN, data=form, params=self.credentials())
        return self.read_token(self.read(reply), response.scope)


@client("The code is sent again when the answer is lost.", "test_a_code_is_sent_once")
class SentAgain(AcmeClient):
    def exchange(self, response):
        try:
            return super().exchange(response)
        except errors.ProviderUnavailable:
            return super().exchange(response)


@client("The code is read before the error.", "test_an_error_beside_a_code_is_an_error")
class CodeFirst(AcmeClient):
    def read_code(self, params):
        has_code = 0 < len(params.get("code", "")) <= 4096
        return params["code"] if has_code else super().read_code(params)


@client("A callback without a code is exchanged.", "test_a_callback_without_a_code_is_refused")
class WithoutACode(AcmeClient):
    def read_code(self, params):
        return super().read_code({"code": "none", **{name: value for name, value in params.items() if value}})


@client("A code may be of any length.", "test_a_code_that_is_far_too_long_is_refused")
class AnyLength(AcmeClient):
    def read_code(self, params):
        code = params.get("code", "")
        return code if len(code) > 4096 else super().read_code(params)


DEFECTS = tuple(client.found)

"""Clients whose authorization request is wrong."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from seeded.by_hand import AUTHORIZE, AcmeClient
from seeded.defect import Clients

client = Clients()


@client("The authorization URL is only a path.", "test_a_login_can_begin")
class OnlyAPath(AcmeClient):
    def authorization_url(self, request):
        return f"/oauth/authorize?{urlencode(self.parameters(request))}"


@client("The endpoint has a query, and another one is added.", "test_the_authorization_url_has_one_query")
class TwoQueries(AcmeClient):
    def authorization_url(self, request):
        return f"{AUTHORIZE}?lang=en?{urlencode(self.parameters(request))}"


@client("The scope is sent twice.", "test_no_parameter_is_there_twice")
class Twice(AcmeClient):
    def authorization_url(self, request):
        return f"{super().authorization_url(request)}&scope=profile"


@client(
    "A prompt sends the response type once more.",
    "test_a_prompt_adds_its_parameters_only",
    prompts={"consent": {"prompt": "consent"}},
)
class PromptedTwice(AcmeClient):
    def authorization_url(self, request):
        return f"{super().authorization_url(request)}{'&response_type=code' if request.prompt else ''}"


@client("The client id is the author's own.", "test_the_client_id_is_the_registration_s")
class OwnClientId(AcmeClient):
    def parameters(self, request):
        return {**super().parameters(request), "client_id": "my-demo-app"}


@client("A token is asked for instead of a code.", "test_the_response_type_is_code")
class AskForToken(AcmeClient):
    def parameters(self, request):
        return {**super().parameters(request), "response_type": "token"}


@client("The state is not sent.", "test_the_state_is_the_core_s")
class NoState(AcmeClient):
    def parameters(self, request):
        return {name: value for name, value in super().parameters(request).items() if name != "state"}


@client("The redirect URI is encoded twice.", "test_the_redirect_uri_is_the_registration_s")
class EncodedTwice(AcmeClient):
    def parameters(self, request):
        return {**super().parameters(request), "redirect_uri": quote(request.redirect_uri, safe="")}


@client("The redirect URI is not encoded.", "test_a_redirect_uri_with_a_query_is_encoded")
class NotEncoded(AcmeClient):
    def authorization_url(self, request):
        parameters = self.parameters(request)
        del parameters["redirect_uri"]
        return f"{AUTHORIZE}?{urlencode(parameters)}&redirect_uri={request.redirect_uri}"


@client("The redirect URI is put together anew.", "test_each_registration_has_a_redirect_uri_of_its_own")
class PutTogether(AcmeClient):
    def parameters(self, request):
        return {**super().parameters(request), "redirect_uri": "https://app.example/auth/acme/callback"}


@client("The scope is always the default one.", "test_the_scope_is_what_is_asked_for")
class DefaultScope(AcmeClient):
    def parameters(self, request):
        return {**super().parameters(request), "scope": " ".join(self.provider.default_scope)}


@client("The scopes are joined with a plus, which is then encoded.", "test_the_scopes_stand_apart")
class JoinedWithPlus(AcmeClient):
    def parameters(self, request):
        return {**super().parameters(request), "scope": "+".join(request.scope)}


@client("The challenge has the wrong name.", "test_a_challenge_comes_with_its_method")
class MisnamedChallenge(AcmeClient):
    def parameters(self, request):
        parameters = super().parameters(request)
        return {"challenge": parameters.pop("code_challenge"), **parameters}


@client("The challenge method is called sha256.", "test_the_challenge_method_is_s256")
class WrongMethod(AcmeClient):
    def parameters(self, request):
        return {**super().parameters(request), "code_challenge_method": "sha256"}


@client("The client secret is in the authorization URL.", "test_the_client_secret_is_not_in_the_browser")
class SecretInTheBrowser(AcmeClient):
    def parameters(self, request):
        return {**super().parameters(request), "client_secret": self.client_secret.reveal()}


DEFECTS = tuple(client.found)

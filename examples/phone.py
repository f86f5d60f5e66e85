"""A phone, played step by step: what an app does to sign its user in, in both ways that there are.

    python phone.py http://127.0.0.1:6543 --tiktok http://127.0.0.1:8787 --client-key sbaw…

The server is examples/native_app.py, TikTok is its emulator. On a real phone the system browser (or TikTok's own SDK)
does what `Browser` does here, and a person decides.
"""

import argparse
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import requests

APP = "phone"  # authkit.native.phone.… in the settings of the server
LINK = "https://app.example/signed-in"  # authkit.native.phone.link: the system opens the app for it
SDK_REDIRECT_URI = "https://app.example/tiktok"  # authkit.native.phone.redirect_uris: for TikTok's SDK
TIMEOUT = 20


# The server callback flow: the app needs a browser, and nothing of TikTok's.


def sign_in_by_browser(server, browser):
    # 1. The verifier stays in the app. Whoever sees the link later cannot do anything with it without the verifier.
    verifier = secrets.token_urlsafe(32)
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    state = secrets.token_urlsafe(16)

    # 2. The system browser goes to the server, which sends it to TikTok, and TikTok sends it back to the server.
    query = urlencode({"app": APP, "challenge": challenge, "state": state})
    link = browser.open(f"{server}/auth/tiktok/native?{query}", until=LINK)

    # 3. The link opens the app. It looks at its state first: the link may be of a login that it never began.
    answer = query_of(link)
    if answer.get("state") != state:
        raise SystemExit("a link that this app did not ask for")
    if "error" in answer:
        raise SystemExit(f"{answer['error']}: {answer['error_description']}")
    step("the link brought a ticket", answer["ticket"])

    # 4. The ticket and the verifier become a JWT and a refresh token. Nobody can do that twice.
    return call("POST", f"{server}/auth/tiktok/connect", {"ticket": answer["ticket"], "verifier": verifier})


# The SDK flow: TikTok's own SDK for iOS or Android asks the person, in TikTok's app where that is installed.


def sign_in_by_sdk(server, tiktok, client_key, browser):
    # 1. The SDK makes a verifier. That of Android has 32 characters; the challenge is in hex, unlike anybody else's.
    verifier = secrets.token_hex(16)
    state = secrets.token_urlsafe(16)
    query = urlencode(
        {
            "client_key": client_key,
            "response_type": "code",
            "scope": "user.info.basic",
            "redirect_uri": SDK_REDIRECT_URI,
            "state": state,
            "code_challenge": sha256(verifier.encode()).hexdigest(),
            "device_platform": "android",
            "sdk_name": "tiktok_sdk_auth",
        }
    )

    # 2. The person decides, and the SDK gives the app a code.
    answer = query_of(browser.open(f"{tiktok}/v2/auth/authorize/?{query}", until=SDK_REDIRECT_URI))
    if answer.get("state") != state or "code" not in answer:
        raise SystemExit(f"TikTok's SDK has no code for this app: {answer.get('error')}")
    step("TikTok's SDK has a code", answer["code"])

    # 3. The server exchanges it: only the server has the client secret.
    sent = {"code": answer["code"], "code_verifier": verifier, "redirect_uri": SDK_REDIRECT_URI}
    return call("POST", f"{server}/auth/tiktok/connect", sent)


# What follows is the same for both.


def use(server, answer):
    """Do what an app does once it is signed in, and sign out in the end."""
    step("signed in as", answer["user"]["username"])
    step("the server says", call("GET", f"{server}/api/hello", bearer=answer["jwt"])["hello"])

    # Any other server can verify the JWT by these keys, and needs no secret for it.
    keys = [key["kid"] for key in call("GET", f"{server}/auth/jwks.json")["keys"]]
    step("the key of the JWT is public", header_of(answer["jwt"])["kid"] in keys)

    # Before the JWT ends, or at HTTP 401: exchange the refresh token, and keep the new one in its place at once.
    sent = {"refresh_token": answer["refresh_token"]}
    call("POST", f"{server}/auth/native/refresh", sent)
    step("the answer to a refresh was lost", "on the way")
    # It may be sent once more within ten seconds. A minute later, the server would take it for stolen.
    answer = call("POST", f"{server}/auth/native/refresh", sent)
    step("the second try has a new JWT for", f"{answer['expires_in']} s")

    listed = call("GET", f"{server}/auth/native/sessions", bearer=answer["jwt"])["sessions"]
    step("apps that are signed in", [session["app"] for session in listed])
    call("POST", f"{server}/auth/native/logout", {}, bearer=answer["jwt"])
    refused = requests.post(f"{server}/auth/native/refresh", json=sent, timeout=TIMEOUT)
    step("after signing out, a refresh is", refused.json()["error"]["details"]["code"])


def call(method, url, sent=None, bearer=None):
    """Call the server, and return its answer. What it refuses has a code for programs and a sentence for people."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    response = requests.request(method, url, json=sent, headers=headers, timeout=TIMEOUT)
    answer = response.json()
    if response.status_code != 200 and "error" in answer:
        error = answer["error"]
        raise SystemExit(f"HTTP {error['status']} {error['details']['code']}: {error['message']}")
    return answer


# The phone around the app.


class Browser:
    """The system browser, and a person who agrees to everything."""

    def __init__(self):
        self._session = requests.Session()

    def open(self, url, until):
        """Go to `url` and wherever it leads; return the address at which the system opens the app instead."""
        response = self._session.get(url, allow_redirects=False, timeout=TIMEOUT)
        for _ in range(10):
            if "Location" in response.headers:
                url = urljoin(response.url, response.headers["Location"])
                if url.startswith(until):
                    return url
                response = self._session.get(url, allow_redirects=False, timeout=TIMEOUT)
            elif response.status_code == 200:
                fields = Form(response.text).fields
                response = self._session.post(response.url, fields, allow_redirects=False, timeout=TIMEOUT)
            else:
                break
        raise SystemExit(f"the browser is stuck at HTTP {response.status_code}")


class Form(HTMLParser):
    """What TikTok's consent page sends when everything is ticked and the first button is pressed."""

    def __init__(self, html):
        super().__init__()
        self.fields = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        field = dict(attrs)
        is_new = field.get("name") not in dict(self.fields) or field.get("type") == "checkbox"
        if tag in ("input", "button") and field.get("name") and is_new:
            self.fields.append((field["name"], field.get("value", "")))


def query_of(url):
    return dict(parse_qsl(urlsplit(url).query))


def header_of(jwt):
    """Read the header of a JWT. An app needs nothing of what is in a JWT, and must not rely on it."""
    text = jwt.partition(".")[0]
    return json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def step(what, value):
    print(f"{what}: {value if len(str(value)) <= 40 else f'{str(value)[:20]}…'}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Sign in as an app on a phone does.")
    parser.add_argument("server", help="the server of the app")
    parser.add_argument("--tiktok", required=True, help="TikTok's emulator")
    parser.add_argument("--client-key", required=True, help="the key of the app at TikTok")
    given = parser.parse_args(arguments)
    print("The server callback flow")
    use(given.server, sign_in_by_browser(given.server, Browser()))
    print("The SDK flow")
    use(given.server, sign_in_by_sdk(given.server, given.tiktok, given.client_key, Browser()))


if __name__ == "__main__":
    main()

"""The floor: bare WSGI, and two calls over a kept-alive connection. It checks next to nothing: not for use."""

import json
import secrets
from urllib.parse import parse_qs, urlencode

import certifi
import urllib3

START = "/login"


def make_app(site, provider, client_id, client_secret):
    """Return the app; `site` and `provider` are origins."""
    http = urllib3.PoolManager(maxsize=64, ca_certs=certifi.where())
    redirect_uri = f"{site}/callback"
    users = {}

    def start():
        state = secrets.token_urlsafe(32)
        query = urlencode(
            {
                "client_key": client_id,
                "response_type": "code",
                "scope": "user.info.basic",
                "redirect_uri": redirect_uri,
                "state": state,
            }
        )
        return (
            "302 Found",
            [
                ("Location", f"https://www.tiktok.com/v2/auth/authorize/?{query}"),
                ("Set-Cookie", f"state={state}; Path=/; HttpOnly; SameSite=Lax"),
            ],
            b"",
        )

    def callback(environ, cookies):
        query = parse_qs(environ["QUERY_STRING"])
        if query["state"][0] != cookies.get("state"):
            return "403 Forbidden", [], b"state"
        form = {
            "client_key": client_id,
            "client_secret": client_secret,
            "grant_type": "authorization_code",
            "code": query["code"][0],
            "redirect_uri": redirect_uri,
        }
        token = http.request(
            "POST",
            f"{provider}/v2/oauth/token/",
            body=urlencode(form),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        ).json()
        answer = http.request(
            "GET",
            f"{provider}/v2/user/info/?fields=open_id,union_id,avatar_url,display_name",
            headers={"Authorization": f"Bearer {token['access_token']}"},
        ).json()
        session = secrets.token_urlsafe(32)
        users[session] = answer["data"]["user"]["open_id"]
        return (
            "302 Found",
            [
                ("Location", f"{site}/"),
                ("Set-Cookie", f"session={session}; Path=/; HttpOnly; SameSite=Lax"),
            ],
            b"",
        )

    def app(environ, start_response):
        pairs = (pair.partition("=") for pair in environ.get("HTTP_COOKIE", "").split("; "))
        cookies = {name: value for name, _, value in pairs}
        path = environ["PATH_INFO"]
        if path == START:
            status, headers, body = start()
        elif path == "/callback":
            status, headers, body = callback(environ, cookies)
        else:
            body = json.dumps({"user": users.get(cookies.get("session"))}).encode()
            status, headers = "200 OK", [("Content-Type", "application/json")]
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [body]

    return app

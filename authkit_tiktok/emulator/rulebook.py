"""TikTok's rules, by the names under which the request log and the control page show them.

A rule that differs from the RFCs, from other providers or from what one expects has the number of the quirk (``T8``);
the others are called after the page and the parameter. Where the text says "is seen to", TikTok's pages are silent
and its users have reported it.
"""

from __future__ import annotations

from authkit.emulator import Rule

__all__ = [
    "AUTHORIZATION_CODE",
    "BEARER_TOKEN",
    "BODY_ONLY",
    "CERTIFICATE",
    "CLIENT_KEY",
    "CLIENT_SECRET",
    "CODE_VERIFIER",
    "DESKTOP_REDIRECT",
    "DISABLE_AUTO_AUTH",
    "DRAFT_APP",
    "FIELDS",
    "GRANT_TYPE",
    "LOGIN_KIT",
    "QR_FIELDS",
    "QR_TOKEN",
    "RATE_LIMIT",
    "REDIRECT_URI",
    "REFRESH_TOKEN",
    "RESPONSE_TYPE",
    "REVOKED_TOKEN",
    "SANDBOX_USERS",
    "SCOPE",
    "STATE",
    "T01",
    "T02",
    "T04",
    "T05",
    "T06",
    "T07",
    "T08",
    "T09",
    "T12",
    "T15",
    "T17",
    "T20",
    "T24",
    "T25",
    "T26",
    "T27",
    "T28",
    "T30",
    "T31",
    "T33",
    "T34",
    "TOKEN_FIELDS",
    "VERSION_1",
    "VIDEO_PAGE",
]

SITE = "https://developers.tiktok.com"
WEB = ("Login Kit for Web", f"{SITE}/doc/login-kit-web")
DESKTOP = ("Login Kit for Desktop", f"{SITE}/doc/login-kit-desktop/")
ANDROID = ("Login Kit for Android", f"{SITE}/doc/login-kit-android-quickstart-v2/")
OVERVIEW = ("Login Kit overview", f"{SITE}/docs/en/login-kit-overview")
TOKEN = ("Get a user access token", f"{SITE}/doc/oauth-get-a-user-access-token")
REFRESH = ("Refresh a user access token", f"{SITE}/docs/en/oauth-refresh-a-user-access-token")
REVOKE = ("Revoke a user access token", f"{SITE}/docs/en/oauth-revoke-a-user-access-token")
TOKENS = ("User access token management", f"{SITE}/doc/oauth-user-access-token-management")
OAUTH_ERRORS = ("OAuth error handling", f"{SITE}/doc/oauth-error-handling")
USER_INFO = ("Get User Info", f"{SITE}/doc/tiktok-api-v2-get-user-info")
SCOPES = ("Scopes overview", f"{SITE}/doc/scopes-overview")
SANDBOX = ("Add a Sandbox", f"{SITE}/doc/add-a-sandbox")
CREATE_APP = ("Create an app", f"{SITE}/doc/getting-started-create-an-app")
RATE_LIMITS = ("API v2 rate limits", f"{SITE}/docs/en/tiktok-api-v2-rate-limit")
VIDEO_LIST = ("List Videos", f"{SITE}/doc/tiktok-api-v2-video-list")
VIDEO_QUERY = ("Query Videos", f"{SITE}/doc/tiktok-api-v2-video-query")
QR_CODE = ("QR code authorization", f"{SITE}/doc/login-kit-qr-code-authorization")
MIGRATION = ("Migration guidance for OAuth v1", f"{SITE}/bulletin/migration-guidance-oauth-v1")

T01 = Rule("T1", "The app's id is called `client_key`; a `client_id` is not read.", *WEB)
T02 = Rule("T2", "Scopes are separated by commas, without blanks.", *WEB)
T04 = Rule(
    "T4",
    "Desktop and mobile apps send a PKCE challenge, which is the SHA-256 of the verifier in lower-case hex, 64 "
    "characters, not in the base64url of RFC 7636.",
    *DESKTOP,
)
T05 = Rule("T5", "The `code_challenge_method` is `S256`, written like that; only the mobile SDKs omit it.", *DESKTOP)
T06 = Rule(
    "T6",
    "A verifier has 43 to 128 of the characters A-Z a-z 0-9 - . _ ~; that of the Android SDK has 32.",
    *DESKTOP,
)
T07 = Rule("T7", "Key and secret travel in the body; HTTP Basic is seen to make a request malformed.", *TOKEN)
T08 = Rule(
    "T8",
    "The body is a form under exactly `Content-Type: application/x-www-form-urlencoded`; a charset behind it is seen "
    "to make the request malformed, and so is JSON.",
    *TOKEN,
)
T09 = Rule("T9", "The addresses of the API end in a slash.", *TOKEN)
T12 = Rule("T12", "One field whose scope the user did not grant refuses the whole call.", *USER_INFO)
T15 = Rule("T15", "A refresh replaces the refresh token, and the one before is dead at once.", *REFRESH)
T17 = Rule(
    "T17",
    "The `redirect_uri` of the exchange equals that of the authorization request; otherwise it is an "
    "`invalid_request`, not the `invalid_grant` of RFC 6749.",
    *TOKENS,
)
T20 = Rule("T20", "The code goes into the exchange as it is after one percent-decoding of the callback.", *TOKEN)
T24 = Rule(
    "T24",
    "A redirect URI is absolute and static, without query and fragment, has fewer than 512 characters, and an app "
    "has at most ten.",
    *WEB,
)
T25 = Rule(
    "T25",
    "A web app redirects to https at a public host; an address on this machine takes a desktop app with PKCE.",
    *WEB,
)
T26 = Rule(
    "T26", "Sandbox and production have a key, a secret and redirect URIs each, which cannot be mixed.", *SANDBOX
)
T27 = Rule("T27", "A single scope that the app was not approved for refuses the whole request.", *SCOPES)
T28 = Rule("T28", "What is revoked is the access token; a refresh token is not taken.", *REVOKE)
T30 = Rule(
    "T30",
    "Key and secret are a pair; the same error is seen when those of sandbox and production are mixed.",
    *OAUTH_ERRORS,
)
T33 = Rule("T33", "The client secret stays on the server, and out of the authorization request.", *OVERVIEW)
T34 = Rule("T34", "Key and secret are sent without the white space that came along when they were pasted.", *TOKEN)

CLIENT_KEY = Rule("login-kit-web:client_key", "`client_key` is the key of an app.", *WEB)
LOGIN_KIT = Rule("login-kit-overview:login-kit", "The app has the product Login Kit.", *OVERVIEW)
DRAFT_APP = Rule(
    "create-an-app:draft", "A production app logs nobody in before TikTok's review is over.", *CREATE_APP
)
REDIRECT_URI = Rule(
    "login-kit-web:redirect_uri", "`redirect_uri` equals a registered one, slash at the end included.", *WEB
)
DESKTOP_REDIRECT = Rule(
    "login-kit-desktop:redirect_uri",
    "A desktop app redirects to localhost or 127.0.0.1, with a port and a path.",
    *DESKTOP,
)
RESPONSE_TYPE = Rule("login-kit-web:response_type", "`response_type` is `code`.", *WEB)
STATE = Rule("login-kit-web:state", "`state` protects a login against forged callbacks, and comes back.", *WEB)
SCOPE = Rule("login-kit-web:scope", "`scope` names at least one scope.", *WEB)
DISABLE_AUTO_AUTH = Rule("login-kit-web:disable_auto_auth", "`disable_auto_auth` is 0 or 1.", *WEB)
SANDBOX_USERS = Rule("add-a-sandbox:target-users", "Only target users of a sandbox can log in to it.", *SANDBOX)
CERTIFICATE = Rule(
    "login-kit-android:certificate", "The certificate of an Android app is the one that is registered.", *ANDROID
)

BODY_ONLY = Rule("get-a-user-access-token:body", "The parameters travel in the body, not in the address.", *TOKEN)
TOKEN_FIELDS = Rule("get-a-user-access-token:fields", "The request has every field that its grant needs.", *TOKEN)
CLIENT_SECRET = Rule("get-a-user-access-token:client_secret", "The request has the app's secret.", *TOKEN)
GRANT_TYPE = Rule(
    "oauth-error-handling:grant_type",
    "The grant is `authorization_code`, `refresh_token` or `client_credentials`.",
    *OAUTH_ERRORS,
)
AUTHORIZATION_CODE = Rule(
    "get-a-user-access-token:code",
    "A code is the app's own, and is seen to work once and for about a minute.",
    *TOKEN,
)
CODE_VERIFIER = Rule(
    "get-a-user-access-token:code_verifier", "Desktop and mobile apps send the verifier of the challenge.", *TOKEN
)
REFRESH_TOKEN = Rule(
    "refresh-a-user-access-token:refresh_token", "The refresh token is the app's own and has not ended.", *REFRESH
)
REVOKED_TOKEN = Rule(
    "revoke-a-user-access-token:token", "The access token is the app's own and has not ended.", *REVOKE
)
BEARER_TOKEN = Rule(
    "get-user-info:authorization", "The header `Authorization: Bearer` has an access token that works.", *USER_INFO
)
FIELDS = Rule("get-user-info:fields", "`fields` lists names of fields, separated by commas.", *USER_INFO)
VERSION_1 = Rule(
    "oauth-v1",
    "Version 1 of the API is retired, and calls of web apps are refused since 29 February 2024; the addresses of "
    "version 2 begin with /v2/.",
    *MIGRATION,
)
RATE_LIMIT = Rule(
    "rate-limit", "600 requests a minute of an address of the resource API, in a sliding window.", *RATE_LIMITS
)
VIDEO_PAGE = Rule(
    "list-videos:body",
    "The body is a JSON object; `max_count` is at most 20, and `cursor` a time in milliseconds.",
    *VIDEO_LIST,
)
T31 = Rule(
    "T31",
    "The ids of videos are strings, at most 20 of them, in `filters.video_ids` of a JSON object.",
    *VIDEO_QUERY,
)
QR_FIELDS = Rule("qr-code-authorization:fields", "The request has `client_key` and `scope`.", *QR_CODE)
QR_TOKEN = Rule("qr-code-authorization:token", "`token` is one that the app got with a QR code.", *QR_CODE)

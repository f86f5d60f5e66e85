"""Reading what a provider answers: every answer is judged by its body, and nothing of it is taken on trust."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from authkit import errors
from authkit.errors import AuthkitError, ConfigError, ProviderProtocolError, brief, printable, redacted
from authkit.jsontext import read_json
from authkit.models import Secret
from authkit.provider import OAuth2Provider
from authkit.refusal import ReadError, Refusal

if TYPE_CHECKING:
    from requests import Response

__all__ = ["OF_A_FUNCTION", "answer_of", "guarded", "read_list", "read_reply", "read_token", "refusal_error"]

logger = logging.getLogger(__name__)

MAX_TOKEN = 8192
MAX_ID_TOKEN = 65_536
"""One that carries all of a user's groups is large; the answer as a whole has a limit of its own."""
OPTIONAL: Mapping[str, int] = {"refresh_token": MAX_TOKEN, "id_token": MAX_ID_TOKEN}
"""The tokens that may come beside the access token, and how long they may be."""
MAX_SCOPE = 16_384
MAX_SECONDS = 10 * 365 * 24 * 3600
MAX_RETRY_AFTER = 300

MEANINGS: Mapping[str, type[AuthkitError]] = {
    "access_denied": errors.AccessDenied,
    "insufficient_scope": errors.ScopeMissing,
    "invalid_client": errors.ProviderMisconfigured,
    "invalid_grant": errors.ProviderRejected,
    "invalid_request": errors.ProviderRejected,
    "invalid_scope": errors.ProviderMisconfigured,
    "invalid_token": errors.ProviderRejected,
    "server_error": errors.ProviderUnavailable,
    "slow_down": errors.ProviderRateLimited,
    "temporarily_unavailable": errors.ProviderUnavailable,
    "unauthorized_client": errors.ProviderMisconfigured,
    "unsupported_grant_type": errors.ProviderMisconfigured,
    "unsupported_response_type": errors.ProviderMisconfigured,
}
"""What the error codes of RFC 6749 (4.1.2.1, 5.2), RFC 6750 (3.1) and RFC 8628 (3.5) mean to us."""

T = TypeVar("T")

Failures: TypeAlias = tuple[type[BaseException], ...]
OF_A_FUNCTION: Failures = (Exception, SystemExit)
"""What counts as the failure of a plugin's function, which calls `sys.exit` at most by mistake."""


def guarded(call: Callable[[], T], failures: Failures = (Exception,)) -> T:
    """Return what `call` returns; any failure that is no `AuthkitError` is a protocol error.

    `call` runs oauthlib, requests and a plugin's functions on data that a stranger sent. The original exception
    may hold that data, so only its type and the place where it was raised are kept.

    Args:
        call: what is called.
        failures: what is a failure. Where a provider is waited for, a `SystemExit` is none: it comes from a handler
            of signals, and means the process.
    """
    try:
        return call()
    except ConfigError as exc:
        failure = ProviderProtocolError(f"the plugin raised a ConfigError: {exc.reason}")
    except AuthkitError:
        raise
    except failures as exc:
        frame = traceback.extract_tb(exc.__traceback__)[-1]
        place = f"{PurePath(frame.filename).name}:{frame.lineno}"
        failure = ProviderProtocolError(f"{type(exc).__name__} at {place} while reading the provider's answer")
    raise failure


def answer_of(function: Callable[..., T], kind: type[T], *arguments: object) -> T:
    """Return what a plugin's function makes of `arguments`; one that calls `sys.exit` fails, as one that raises does.

    Raises:
        ProviderProtocolError: it is no `kind`, or makes no sense; the reason names the function.
    """
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    # The core's own functions, objects that are called, and methods of built-in types, which are of no module, have
    # no name that tells anybody anything.
    is_telling = module and name and not module.startswith("authkit.")
    place = f"; in the plugin's function {module}.{name}" if is_telling else ""
    try:
        answer: object = guarded(lambda: function(*arguments), OF_A_FUNCTION)
    except ProviderProtocolError as error:
        error.reason = printable(error.reason + place)
        raise
    if not isinstance(answer, kind):
        got = type(answer).__name__
        raise ProviderProtocolError(f"the plugin returned a {got}, not a {kind.__name__}{place}")
    return answer


def refusal_error(refusal: Refusal, status: int, secrets: Iterable[Secret] = ()) -> AuthkitError:
    """Return the error that `refusal` means: by the provider's own word, by RFC 6749, or by the HTTP status."""
    fallback = errors.ProviderUnavailable if status >= 500 else errors.ProviderRejected
    meaning = refusal.meaning or MEANINGS.get(refusal.error) or fallback
    texts = [secret.reveal() for secret in secrets]
    said = ": ".join(map(brief, filter(None, (refusal.error, refusal.description))))
    error = meaning(redacted(said, texts), log_id=redacted(brief(refusal.log_id), texts))
    error.said = printable(redacted(brief(refusal.description), texts))
    return error


def read_reply(
    response: Response,
    read_error: ReadError,
    *,
    secrets: Iterable[Secret] = (),
    empty_is_fine: bool = False,
) -> Mapping[str, Any]:
    """Return the JSON object of a good answer: 2xx, and no error in it.

    Args:
        response: the answer, its body read.
        read_error: finds the provider's refusal in a JSON object.
        secrets: what was sent; a provider that echoes it must not get it into the log.
        empty_is_fine: whether a good answer may have no body.

    Raises:
        AuthkitError: the refusal, whatever the HTTP status; or what the status means, where the body says nothing.
    """
    if response.status_code < 300 and empty_is_fine and not response.content.strip():
        return {}
    data: dict[str, Any] = _read_good(response, read_error, secrets, dict, "object")
    return data


def read_list(response: Response, read_error: ReadError, *, secrets: Iterable[Secret] = ()) -> Sequence[Any]:
    """Return the JSON array of a good answer; otherwise as `read_reply`."""
    data: list[Any] = _read_good(response, read_error, secrets, list, "array")
    return data


def _read_good(
    response: Response,
    read_error: ReadError,
    secrets: Iterable[Secret],
    kind: type,
    name: str,
) -> Any:
    """Return the JSON value of a good answer, which is of `kind`."""
    status = response.status_code
    failure: AuthkitError | None = None
    try:
        data = read_json(response.content)
    except ProviderProtocolError as exc:
        data, failure = None, exc
    refusal = guarded(lambda: read_error(data), OF_A_FUNCTION) if isinstance(data, dict) else None
    if status == 429:
        raise _rate_limited(refusal, response.headers.get("Retry-After", ""), (*secrets, *_tokens_in(data)))
    if refusal is not None:
        raise refusal_error(refusal, status, (*secrets, *_tokens_in(data)))
    if status >= 500:
        raise errors.ProviderUnavailable(f"HTTP {status}")
    if status >= 400:
        raise errors.ProviderRejected(f"HTTP {status}, and no reason in the body")
    if status < 300 and isinstance(data, kind):
        return data
    raise failure or ProviderProtocolError(f"the answer is JSON, but no {name}")


def _rate_limited(refusal: Refusal | None, retry_after: str, secrets: Iterable[Secret]) -> AuthkitError:
    """Return the error for HTTP 429, which is a rate limit whatever the body calls it (RFC 6585, section 4)."""
    said = replace(refusal or Refusal("HTTP 429"), meaning=errors.ProviderRateLimited)
    error = refusal_error(said, 429, secrets)
    error.retry_after = _seconds_to_wait(retry_after)
    return error


def read_token(reply: Mapping[str, Any], provider: OAuth2Provider, *, on_refresh: bool = False) -> dict[str, Any]:
    """Return a token answer in the form of RFC 6749, section 5.1, with only what we use, and every type checked.

    On a refresh the old refresh token may be dead already, and an error would lose the new one. So all that has to
    be right then is the access token: a malformed ID token or scope is left out, with a warning, and the user's id
    may be missing. A malformed refresh token is left out too, and its end: the old one stays, which would be tried
    again after an error as well, and the access token is good until then.

    Raises:
        ProviderProtocolError: the access token is of a wrong type or form, or not a Bearer token: a token whose type
            we do not know must not be used (RFC 6749, section 7.1). Or, but not on a refresh, another token or the
            scope is of a wrong type or form, or the user's id missing.
    """
    token_type = reply.get("token_type", "Bearer")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise ProviderProtocolError("the token is not of type Bearer")
    token: dict[str, Any] = {"token_type": "Bearer", "access_token": _token_text(reply, "access_token")}
    if on_refresh:
        reply = _without_malformed(reply, provider)
    token |= {name: _token_text(reply, name, limit) for name, limit in OPTIONAL.items() if _is_there(reply, name)}
    for name in ("expires_in", "refresh_expires_in"):
        seconds = _seconds(reply.get(name))
        if seconds is not None:
            token[name] = seconds
    scope = _scope(reply.get("scope"))
    if scope is not None:
        token["scope"] = scope
    elif reply.get("scope") is not None:
        raise ProviderProtocolError(
            "the granted scope is neither a text nor a list of texts, or none that can be kept"
        )
    if provider.subject_param:
        subject = reply.get(provider.subject_param)
        if isinstance(subject, str) and subject.strip():
            token["subject"] = subject
        elif not on_refresh:
            raise ProviderProtocolError(f"the token answer has no {provider.subject_param}")
    return token


def _without_malformed(reply: Mapping[str, Any], provider: OAuth2Provider) -> Mapping[str, Any]:
    """Return the answer to a refresh without what is malformed in it and need not be there."""
    present = {name: limit for name, limit in OPTIONAL.items() if _is_there(reply, name)}
    malformed = {name for name, limit in present.items() if not _is_token(reply[name], limit)}
    if reply.get("scope") is not None and _scope(reply["scope"]) is None:
        malformed.add("scope")
    for name in sorted(malformed):
        logger.warning("%s: the %s of a refresh is left out: it is malformed", provider.name, name)
    if "refresh_token" in malformed:
        malformed.add("refresh_expires_in")
    return {name: value for name, value in reply.items() if name not in malformed}


def _is_there(reply: Mapping[str, Any], name: str) -> bool:
    return reply.get(name) not in (None, "")


def _token_text(reply: Mapping[str, Any], name: str, limit: int = MAX_TOKEN) -> str:
    text = reply.get(name)
    if not isinstance(text, str) or not text:
        raise ProviderProtocolError(f"the token answer has no {name}")
    if not _is_token(text, limit):
        raise ProviderProtocolError(f"the {name} is too long, or has characters that no token has")
    return text


def _is_token(value: object, limit: int) -> bool:
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        return False
    return value.isascii() and value.isprintable() and " " not in value


def _tokens_in(data: object) -> Iterator[Secret]:
    """Yield the tokens in an answer, at whatever depth a provider puts them beside an error."""
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from (
                Secret(text) for name, text in value.items() if name.endswith("_token") and isinstance(text, str)
            )
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _seconds(value: object) -> int | None:
    """Return a sane number of seconds, None for anything else.

    A numeric text counts, as some providers quote, and so does 3600.0: JSON knows no whole numbers.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_SECONDS:
        return None
    return value


def _scope(value: object) -> str | None:
    """Return the words of a scope, each once; None for what is no scope. One of a list counts as a text does.

    Words are printable ASCII (RFC 6749, section 3.3), which every database keeps.
    """
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = " ".join(value)
    if not isinstance(value, str):
        return None
    words = " ".join(dict.fromkeys(value.replace(",", " ").split()))
    return words if len(words) <= MAX_SCOPE and words.isascii() and words.isprintable() else None


def _seconds_to_wait(value: str) -> int | None:
    """Return a Retry-After of at most five minutes (RFC 9110, section 10.2.3); dates are not worth the trouble."""
    if value.isascii() and value.isdigit() and len(value) <= 10:
        return min(max(int(value), 1), MAX_RETRY_AFTER)
    return None

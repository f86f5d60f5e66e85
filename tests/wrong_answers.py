"""Adapters that are wrong about errors, reports and sessions: each by the test that finds it."""

from __future__ import annotations

from wrong_places import (
    COMPLETE,
    CONFLICT,
    CRASHED,
    FAILED,
    HANDLED,
    HEADERS,
    LEFT,
    LOG_OUT,
    PAGE,
    REFUSED,
    REMEMBERED,
    SAME_ORIGIN,
    SIGNED_IN,
    SIGNED_OUT,
    after,
    before,
    page_with,
    without,
    wrong,
)

REFUSALS = {
    "no_answer_is_kept": wrong("answers may be kept", *without("Cache-Control")),
    "no_answer_sends_a_referer": wrong("pages send a Referer", *without("Referrer-Policy")),
    "no_answer_is_sniffed": wrong("answers may be sniffed", *without("X-Content-Type-Options")),
    "no_answer_can_be_framed": wrong("pages may be framed", *without("Content-Security-Policy")),
    "a_refusal_has_the_status_of_its_error": wrong(
        "a denied login is answered 401",
        PAGE,
        PAGE.replace("page.status", "401 if page.status == 403 else page.status"),
    ),
    "a_state_that_is_bad_is_a_bad_request": wrong(
        "a bad state is answered 404",
        PAGE,
        PAGE.replace("page.status", '404 if error.code == "state_invalid" else page.status'),
    ),
    "an_error_page_shows_the_code": wrong(
        "the error page lacks the code", PAGE, PAGE.replace("page.html", 'page.html.replace(error.code, "")')
    ),
    "an_error_page_shows_the_reference_that_the_log_has": wrong(
        "the error page has a reference of its own",
        PAGE,
        PAGE.replace("page.html", "page.html.replace(error.correlation_id, token_hex(8))"),
    ),
    "an_error_page_never_shows_the_reason": wrong(
        "the error page says what is wrong with the state",
        *page_with('error.reason * (error.code == "state_invalid")'),
    ),
    "an_error_page_never_repeats_the_request": wrong("the error page shows the query", *page_with("request.query")),
    "a_wrong_method_is_told_the_right_one": wrong(
        "405 comes without Allow", HEADERS, 'dict(error_headers(error)) | {"Allow": ""}\n'
    ),
    "who_may_try_again_is_told_when": wrong(
        "503 comes without Retry-After", HEADERS, 'dict(error_headers(error)) | {"Retry-After": ""}\n'
    ),
    "a_program_gets_the_error_as_json": wrong(
        "JSON has the reason in it",
        "json.dumps(error_object(error))",
        'json.dumps({**error_object(error), "reason": error.reason})',
    ),
    "a_browser_gets_a_page": wrong(
        "who takes anything gets JSON", 'if "json" in (request.header("Accept") or "")', 'if request.header("Accept")'
    ),
    "a_failure_goes_to_the_app_s_own_login_page": wrong(
        "the login page is not told the reference",
        "failure_url(error.code, error.correlation_id)",
        'failure_url(error.code, "")',
    ),
    "a_program_gets_json_even_where_there_is_a_login_page": wrong(
        "programs are sent to the login page too", 'if "json" in', 'if not self.site.login_url and "json" in'
    ),
}

REPORTS = {
    "a_login_that_succeeds_is_told_once": wrong(
        "a success is told twice", *before(HANDLED, "self.kit.succeeded(login)")
    ),
    "a_login_that_fails_is_told_once": wrong(
        "the failure of a callback is told twice", *after(FAILED, "self.kit.failed(error) if error.cookies else None")
    ),
    "a_start_that_is_refused_is_told_once": wrong(
        "failures of callbacks only are told",
        FAILED,
        FAILED.replace("self", 'request.path.endswith("/callback") and self'),
    ),
    "a_failure_belongs_to_its_registration": wrong(
        "every failure is one of the first registration", *before(FAILED, 'error.registration = "acme"')
    ),
    "no_secret_is_logged_or_shown": wrong(
        "each callback is logged as it came", *before(COMPLETE, 'logger.info("callback: %s", request.query)')
    ),
}

HANDLERS = {
    "the_handler_gets_each_login_once": wrong(
        "the handler is called twice", *before(SIGNED_IN, "self.on_login(login)")
    ),
    "what_the_handler_refuses_is_told_as_the_handler_said": wrong(
        "a refusal of the handler counts as a crash", REFUSED, REFUSED.replace("AuthkitError", "AccountConflict")
    ),
    "whom_the_handler_refuses_is_not_signed_in": wrong(
        "who is refused is signed in, to be shown why",
        *after(
            REFUSED,
            '    if error.code == "account_denied":\n                self.session(request)["user"] = "refused"',
        ),
    ),
    "a_handler_that_crashes_is_an_error_page_with_503": wrong(
        "a crash of the handler is answered 500",
        PAGE,
        PAGE.replace("page.status", '500 if error.code == "store_unavailable" else page.status'),
    ),
    "a_handler_that_crashes_signs_nobody_in": wrong(
        "a crash of the handler is passed over",
        *after(CRASHED, 'self.session(request)["user"] = login.identity.key'),
    ),
    "a_handler_that_crashes_leaves_the_session_as_it_was": wrong(
        "the session ends before the handler is called",
        SIGNED_IN,
        "        self.end_session(request)\n        self.on_login(login)\n        session_id = token_hex(16)\n",
    ),
    "a_handler_that_crashes_is_told_as_a_failure_and_not_as_a_success": wrong(
        "a success is told before the handler is called",
        "            answer = self.sign_in(",
        "            self.kit.succeeded(login)\n            answer = self.sign_in(",
        "        else:\n            self.kit.succeeded(login)\n",
        "        else:\n",
    ),
    "a_handler_that_crashes_leaves_no_token_in_the_log": wrong(
        "what the handler raised is logged as it is", *before(CRASHED, 'logger.error("the handler raised %s", exc)')
    ),
}

SESSIONS = {
    "cookies_from_before_a_login_sign_nobody_in": wrong(
        "the session keeps its id",
        SIGNED_IN,
        SIGNED_IN.replace("token_hex(16)", 'request.cookies.get("sid") or token_hex(16)'),
    ),
    "content_from_before_a_login_is_gone": wrong(
        "the new session has the content of the old one",
        *before(SIGNED_IN, "kept = dict(self.session(request))"),
        REMEMBERED,
        REMEMBERED.replace("{", "{**kept, "),
    ),
    "a_failure_leaves_the_session_as_it_was": wrong(
        "a denied login empties the session",
        *after(FAILED, 'self.session(request).pop("cart" * (error.code == "access_denied"), None)'),
    ),
    "a_failure_leaves_who_is_signed_in_signed_in": wrong(
        "a bad state signs out",
        *after(FAILED, 'self.session(request).pop("user" * (error.code == "state_invalid"), None)'),
    ),
    "somebody_else_is_not_signed_in_unasked": wrong("whoever comes is signed in", CONFLICT, "        if False:\n"),
    "the_page_that_asks_before_it_switches_leads_to_the_other_account": wrong(
        "the conflict does not say which login it was",
        "failure.registration, failure.cookies = name, cleared",
        "failure.cookies = cleared",
    ),
    "the_same_person_may_sign_in_again": wrong(
        "whoever is signed in is somebody else", CONFLICT, CONFLICT.replace('("", login.identity.key)', '("",)')
    ),
}

SIGN_OUT = {
    "signing_out_signs_out": wrong("signing out redirects with 307", SIGNED_OUT, SIGNED_OUT.replace("303", "307")),
    "a_get_request_does_not_sign_out": wrong(
        "a link signs out", LOG_OUT, LOG_OUT.replace("(request.method,", '(request.method.replace("GET", "POST"),')
    ),
    "a_form_of_another_site_does_not_sign_out": wrong(
        "any Sec-Fetch-Site will do",
        SAME_ORIGIN,
        SAME_ORIGIN.replace('"Sec-Fetch-Site")', '"Sec-Fetch-Site") and "none"'),
    ),
    "another_origin_does_not_sign_out": wrong(
        "Origin is not looked at", SAME_ORIGIN, SAME_ORIGIN.replace('request.header("Origin")', "None")
    ),
    "a_form_of_our_own_pages_signs_out": wrong(
        "Origin: null is never taken",
        SAME_ORIGIN,
        SAME_ORIGIN + '        require_same_origin(self.site, None, request.header("Origin"))\n',
    ),
    "signing_out_leads_where_the_query_says_on_this_site_only": wrong(
        "signing out leads wherever the query says",
        LEFT,
        LEFT.replace("= self", '= "https://evil.example/" if "%3A" in request.query else self'),
    ),
    "signing_out_ends_the_whole_session": wrong(
        "signing out takes the rest of the session along",
        SIGNED_OUT,
        "        kept = {**self.session(request), 'user': ''}\n        self.end_session(request)\n"
        "        self.sessions[session_id := token_hex(16)] = kept\n"
        "        return self.redirect(303, location, [self.session_cookie(session_id)])\n",
    ),
    "an_ended_session_is_ended_on_the_server": wrong(
        "signing out clears the cookie only",
        SIGNED_OUT,
        SIGNED_OUT.replace("        self.end_session(request)\n", ""),
    ),
}

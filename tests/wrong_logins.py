"""Adapters that are wrong about the way of a login: each by the test that finds it."""

from __future__ import annotations

from wrong_places import (
    BEGIN,
    CALLBACK,
    COMPLETE,
    CONFLICT,
    FAILED,
    HANDLED,
    NAVIGATION,
    PAGE,
    QUERY,
    ROUTE,
    SET,
    START,
    after,
    before,
    method,
    page_with,
    wrong,
)

STARTS = {
    "a_start_leads_to_the_provider_with_one_cookie": wrong("each cookie is set twice", SET, f"{SET} * 2"),
    "a_start_is_a_redirect_that_is_followed_by_get": wrong(
        "a start redirects with 307", "self.redirect(302", "self.redirect(307"
    ),
    "a_start_tells_nobody_of_success_or_failure": wrong(
        "the audit log has a line for each start",
        *after(BEGIN, 'logging.getLogger("authkit.audit").info("outcome=begun")'),
    ),
    "a_start_by_a_link_of_another_site_works": wrong(
        "a start has to come from the site itself",
        NAVIGATION,
        NAVIGATION + '        require_same_origin(self.site, request.header("Sec-Fetch-Site"), None)\n',
    ),
    "a_start_by_a_script_or_an_image_is_refused": wrong(
        "Sec-Fetch-Mode is not looked at", NAVIGATION, NAVIGATION.replace('request.header("Sec-Fetch-Mode")', "None")
    ),
    "a_start_in_a_frame_is_refused": wrong(
        "Sec-Fetch-Dest is not looked at", NAVIGATION, NAVIGATION.replace('request.header("Sec-Fetch-Dest")', "None")
    ),
    "a_head_request_begins_nothing": wrong(
        "HEAD of a start is taken for GET",
        START,
        START.replace("(request.method,", '(request.method.replace("HEAD", "GET"),'),
    ),
    "a_post_begins_nothing": wrong(
        "a start may be a POST", START, START.replace("(request.method,", '(request.method.replace("POST", "GET"),')
    ),
    "the_visitor_s_parameters_do_not_steer_the_login": wrong(
        "the scope of the query is asked for",
        BEGIN,
        BEGIN.replace("cookies=", 'scope=[word for word in request.query.split("&") if "scope=" in word], cookies='),
    ),
    "unfinished_logins_leave_at_most_ten_cookies": wrong(
        "the kit is not told which cookies there are", BEGIN, BEGIN.replace("cookies=request.cookies, ", "")
    ),
    "a_login_begins_with_each_registration": wrong(
        "only the first registration signs in",
        CONFLICT,
        CONFLICT.replace("if ", 'if login.registration != "acme" or '),
    ),
    "the_sign_in_page_has_a_button_per_registration_that_keeps_the_return_to": wrong(
        "the buttons forget the return-to", "self.pages.sign_in(return_to(request.query))", "self.pages.sign_in()"
    ),
}

NAMES = {
    "an_unknown_registration_is_not_found": wrong(
        "an unknown registration is a bad request",
        PAGE,
        PAGE.replace("page.status", "400 if page.status == 404 else page.status"),
    ),
    "an_unknown_name_is_not_repeated": wrong("the error page shows the path", *page_with("request.path")),
    "a_name_that_is_almost_one_is_none": wrong(
        "blanks around a name are taken off", ROUTE, ROUTE.replace("rest", "rest.strip()")
    ),
    "a_name_is_compared_letter_by_letter": wrong(
        "names are compared without regard to case", ROUTE, ROUTE.replace("rest", "rest.lower()")
    ),
    "a_path_that_is_no_route_is_not_redirected_to_one": wrong(
        "slashes too many are dropped", ROUTE, ROUTE.replace("rest", 'rest.strip("/")')
    ),
    "a_path_that_is_no_utf_8_is_refused": wrong(
        "the path is decoded, come what may",
        'self.path = environ.get("PATH_INFO", "")',
        'self.path = environ["PATH_INFO"].encode("latin-1").decode()',
    ),
    "another_prefix_moves_every_route": wrong(
        "the prefix is taken for granted", 'prefix = self.site.prefix + "/"', 'prefix = "/auth/"'
    ),
    "an_app_below_a_path_stays_below_it": wrong(
        "the path is read with SCRIPT_NAME",
        'self.path = environ.get("PATH_INFO", "")',
        'self.path = environ["SCRIPT_NAME"] + environ["PATH_INFO"]',
    ),
}

CALLBACKS = {
    "a_login_signs_in": wrong(
        "everybody is the same person",
        "Answer(200, self.user(request))",
        'Answer(200, self.user(request) and "user")',
    ),
    "a_callback_in_another_browser_signs_nobody_in": wrong(
        "transactions are kept on the server, for all browsers",
        *after(BEGIN, "self.sessions.setdefault(None, {}).update(begun.cookies)"),
        COMPLETE,
        COMPLETE.replace("request.cookies", "request.cookies | self.sessions.get(None, {})"),
    ),
    "a_callback_counts_once": wrong(
        "the answer to a callback is kept",
        *before(COMPLETE, "if request.query in self.sessions:\n            return self.sessions[request.query]"),
        *after(HANDLED, "self.sessions[request.query] = answer"),
    ),
    "a_login_may_begin_in_one_process_and_end_in_another": wrong(
        "the process remembers which logins it began",
        *after(BEGIN, "self.sessions.update((cookie.name, {}) for cookie in begun.cookies)"),
        COMPLETE,
        COMPLETE.replace(
            "request.cookies", "{key: value for key, value in request.cookies.items() if key in self.sessions}"
        ),
    ),
    "two_tabs_both_finish": wrong(
        "a login clears the cookies of all logins",
        *after(HANDLED, 'answer.cookies += [f"{key}=; Max-Age=0" for key in request.cookies if "authkit" in key]'),
    ),
    "the_state_comes_before_what_the_callback_says": wrong(
        "an error in the query counts, whatever the state",
        FAILED,
        FAILED.replace(
            "(error)",
            '(self.denied(error) if error.code == "state_invalid" and "error=" in request.query else error)',
        ),
        *method(
            "def denied(self, error):",
            "    from authkit.errors import AccessDenied",
            "    return AccessDenied(error.reason)",
        ),
    ),
    "a_parameter_that_is_there_twice_is_refused": wrong(
        "the query goes through a dict",
        QUERY,
        "from urllib.parse import parse_qsl, urlencode\n\n"
        '        self.query = urlencode(dict(parse_qsl(environ.get("QUERY_STRING", ""))))',
    ),
    "a_code_arrives_as_it_was_sent": wrong(
        "the query is decoded twice",
        QUERY,
        'from urllib.parse import unquote\n\n        self.query = unquote(environ.get("QUERY_STRING", ""))',
    ),
    "a_query_that_is_no_utf_8_is_refused": wrong(
        "the query is taken for ASCII", QUERY, f'{QUERY}.encode("ascii").decode()'
    ),
    "cookies_that_are_garbage_are_no_cookies": wrong(
        "cookies are taken for UTF-8",
        'environ.get("HTTP_COOKIE", "").split',
        'environ.get("HTTP_COOKIE", "").encode("latin-1").decode().split',
    ),
    "a_body_is_no_query": wrong(
        "the body is read where there is no query", QUERY, f'{QUERY} or environ["wsgi.input"].read().decode()'
    ),
    "a_post_to_the_callback_is_refused": wrong(
        "a callback may be a POST",
        CALLBACK,
        CALLBACK.replace("(request.method,", '(request.method.replace("POST", "GET"),'),
    ),
    "a_head_request_uses_nothing_up": wrong(
        "HEAD of a callback is taken for GET",
        CALLBACK,
        CALLBACK.replace("(request.method,", '(request.method.replace("HEAD", "GET"),'),
    ),
    "a_state_counts_for_its_own_registration_only": wrong(
        "a callback is tried with each registration",
        COMPLETE,
        "        completed = self.complete(name, request)\n",
        *method(
            "def complete(self, name, request):",
            "    from authkit.errors import StateInvalid",
            "    try:",
            "        return self.kit.complete(name, request.query, request.cookies)",
            "    except StateInvalid:",
            '        if name != "acme":',
            "            raise",
            '    return self.kit.complete("second", request.query, request.cookies)',
        ),
    ),
}

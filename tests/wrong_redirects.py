"""Adapters that are wrong about cookies and addresses: each by the test that finds it."""

from __future__ import annotations

from wrong_places import BEGIN, FAILED, HANDLED, LANDED, LEFT, SET, after, wrong

COOKIES = {
    "the_cookie_is_sent_over_https_only": wrong(
        "the cookie is not Secure", SET, SET.replace(".header", '.header.replace("; Secure", "")')
    ),
    "the_cookie_is_out_of_reach_of_scripts": wrong(
        "the cookie is not HttpOnly", SET, SET.replace(".header", '.header.replace("; HttpOnly", "")')
    ),
    "the_cookie_comes_along_with_navigations_only": wrong(
        "the cookie is SameSite=None", SET, SET.replace(".header", '.header.replace("=Lax", "=None")')
    ),
    "the_cookie_is_for_this_host_alone": wrong(
        "the cookie is for the whole domain", SET, SET.replace(".header", '.header + "; Domain=app.example"')
    ),
    "the_cookie_lives_for_ten_minutes": wrong(
        "the cookie has no Max-Age", SET, SET.replace(".header", '.header.replace("; Max-Age=600", "")')
    ),
    "on_a_loopback_host_without_tls_the_cookie_is_not_secure": wrong(
        "the cookie is always Secure", SET, SET.replace(".header", '.header + "; Secure"')
    ),
    "a_login_that_succeeds_clears_its_cookie": wrong("a login leaves its cookie", HANDLED, ""),
    "a_login_that_is_denied_clears_its_cookie": wrong(
        "who said no may come back with the same cookie",
        *after(FAILED, 'error.cookies = () if error.code == "access_denied" else error.cookies'),
    ),
    "a_login_that_the_app_refuses_clears_its_cookie": wrong(
        "a refused login leaves its cookie",
        "failure.registration, failure.cookies = name, cleared",
        "failure.registration = name",
    ),
    "a_failure_clears_the_cookie_on_the_way_to_the_login_page": wrong(
        "the redirect to the login page has no cookies", "error.correlation_id), cookies)", "error.correlation_id))"
    ),
}

REDIRECTS = {
    "the_redirect_after_a_login_is_followed_by_get": wrong(
        "a login ends with 307", f"self.redirect(303, {LANDED}", f"self.redirect(307, {LANDED}"
    ),
    "a_login_ends_where_it_was_begun_from": wrong(
        "a start forgets the return-to", BEGIN, BEGIN.replace("=return_to(request.query)", "=None")
    ),
    "a_return_to_on_another_site_leads_home": wrong(
        "the return-to is kept in a cookie, as it came",
        SET,
        f'{SET} + ["to=" + request.query.rpartition("=")[2]] * ("%3A" in request.query)',
        LANDED,
        f'request.cookies.get("to", {LANDED}).replace("%3A", ":").replace("%2F", "/")',
    ),
    "a_return_to_in_the_callback_does_not_count": wrong(
        "the callback's own return-to counts", LANDED, LANDED.replace("login.", "return_to(request.query) or login.")
    ),
    "every_location_is_absolute": wrong("a login ends at a path", LANDED, "login.return_to"),
    "the_redirect_uri_does_not_follow_the_host_header": wrong(
        "the redirect URI is built from Host",
        BEGIN,
        BEGIN.replace(
            "cookies=",
            "redirect_uri=f\"https://{request.header('Host')}{self.site.prefix}/{name}/callback\", cookies=",
        ),
    ),
    "no_login_ends_at_a_forged_host": wrong(
        "a login ends at the host in Host", LANDED, f'{LANDED}.replace("app.example", request.header("Host"))'
    ),
    "signing_out_does_not_follow_the_host_header": wrong(
        "signing out leads to the host in Host",
        *after(LEFT, 'location = location.replace("app.example", request.header("Host"))'),
    ),
    "the_headers_of_proxies_change_nothing": wrong(
        "a login ends at the host in X-Forwarded-Host",
        LANDED,
        f'{LANDED}.replace("app.example", request.header("X-Forwarded-Host") or "app.example")',
    ),
    "behind_a_proxy_that_ends_tls_all_stays_https": wrong(
        "the cookie is Secure where the request is",
        SET,
        SET.replace(
            ".header", '.header.replace("; Secure", "; Secure" * (request.environ["wsgi.url_scheme"] > "http"))'
        ),
    ),
    "no_code_is_left_in_an_address": wrong(
        "a login ends at an address with the callback's query", LANDED, f'{LANDED} + "?" + request.query'
    ),
    "a_redirect_does_not_repeat_its_address_in_its_body": wrong(
        "a redirect has a link in its body",
        'Answer(status, headers={"Location"',
        'Answer(status, f"<a href={location}>", headers={"Location"',
    ),
}

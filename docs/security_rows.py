"""The attacks and faults that the tests have to cover, each under the id that its tests are named after.

`docs/tables.py` writes docs/security-coverage.md from them: a row that has no test and is not in `OPEN` is an error.
"""

from __future__ import annotations

from collections.abc import Mapping

ROWS: Mapping[str, str] = {
    # State, and login CSRF.
    "STA-01": "A callback without a state.",
    "STA-02": "A state that nobody has seen, in a browser without cookies; no session begins.",
    "STA-03": "The attacker's finished login is opened in the victim's browser, and is not used up by that.",
    "STA-05": "A state that is empty; it is not the same as one that is missing.",
    "STA-08": "The same callback again, a second and ten minutes later; the first login stays as it is.",
    "STA-10": "A callback after the time for a login is over.",
    "STA-11": "A state of one provider at the callback of another; neither is sent a code.",
    "STA-14": "A state of bytes that break a comparison or a decoder, or of 64 KiB.",
    "STA-15": "Ten thousand states are all different, random, and independent of Python's own seed.",
    "STA-16": "Nothing can be read in a state.",
    "STA-18": "A code and an error in one callback are an error.",
    "STA-19": "Linking takes a POST with a CSRF token of ours.",
    "STA-20": "A login while somebody is signed in links nothing to them.",
    "STA-21": "Any other method neither begins a login nor uses one up.",
    # Sessions and cookies.
    "SES-01": "A session id or signed cookie that was planted before the login is of no use after it.",
    "SES-02": "What was planted in the session is gone after the login, unless the app names it.",
    "SES-03": "The cookie of a login is `__Host-`, Secure, HttpOnly, SameSite=Lax, and gone at the end.",
    "SES-04": "Sixty logins that nobody finishes leave ten small cookies, and the last login works.",
    "SES-07": "A cookie that is damaged, too long, or sealed with another secret counts as none.",
    "SES-09": "No cookie shows a verifier, nonce, code or token, however it is decoded.",
    "SES-10": "A handler, commit or response that fails signs nobody in.",
    "SES-12": "Somebody whose account is disabled is not signed in, and no token is stored.",
    # Several providers, issuers, metadata.
    "MIX-01": "A callback, good or bad, that names another issuer.",
    "MIX-02": "A callback without the issuer that the provider promises to send.",
    "MIX-05": "Each registration has a redirect URI of its own, and sends it both times.",
    "MIX-06": "Metadata that name another issuer; nothing they list is asked.",
    "MIX-07": "Metadata whose endpoints are not https.",
    # PKCE and codes.
    "PKC-01": "S256 on the wire: the challenge fits the verifier, which is in no URL.",
    "PKC-02": "Ten thousand verifiers are all different, and do not follow from the state.",
    "PKC-03": "A stolen code in the thief's own login goes out with the thief's verifier.",
    "PKC-07": "A code whose answer is lost is not sent again.",
    "PKC-08": "A long and odd code arrives byte for byte.",
    "PKC-09": "A code of 64 KiB is not sent.",
    # Redirect URIs, hosts, proxies.
    "RDU-01": "A forged Host header.",
    "RDU-02": "Headers of a proxy that nobody set up.",
    "RDU-04": "The redirect URI is the same, byte for byte, both times.",
    "RDU-05": "Protocol parameters in the address that starts a login.",
    "RDU-06": "A redirect URI in the settings that no provider should register stops the start.",
    "RDU-08": "An app's return address that the settings do not list.",
    # Where a login returns to.
    "OPR-01": "An absolute address.",
    "OPR-02": "An address without a scheme.",
    "OPR-03": "Backslashes that browsers read as slashes.",
    "OPR-04": "Tabs and line breaks that browsers leave out.",
    "OPR-05": "Schemes that run or read something.",
    "OPR-06": "Hosts that look like ours.",
    "OPR-07": "Line breaks that would add a header.",
    "OPR-08": "Good paths stay as they are, byte for byte.",
    "OPR-21": "A path of 3000 characters.",
    # Secrets that must not come out.
    "LEK-01": "No secret in any log, with every logger at DEBUG.",
    "LEK-02": "No secret in the repr, text or dump of any value.",
    "LEK-03": "No secret in an error, its arguments, notes and traceback.",
    "LEK-04": "The callback answers with headers that keep its address to itself, and leaves it at once.",
    "LEK-05": "No secret in an address that is asked.",
    "LEK-08": "No token or ticket in the file of the database or a dump of it.",
    "LEK-11": "The link to an app carries a ticket and nothing else.",
    # JWTs.
    "JWT-01": "A token without a signature, however `alg` is written.",
    "JWT-02": "A token signed with the public key as a shared secret.",
    "JWT-03": "Tokens that ended, begin later, were made later, name no end, or live for decades.",
    "JWT-04": "Another audience, issuer or authorized party, or one that is nearly ours.",
    "JWT-07": "Tokens, tickets and states in each other's place.",
    "JWT-09": "A token spelt in another way.",
    "JWT-12": "A secret or key that is too short stops the start.",
    "JWT-13": "A token of the older key holds until that key is removed.",
    "JWT-14": "A token whose account has ended.",
    # Accounts.
    "ACC-01": "An e-mail address of somebody else, not verified, joins nobody.",
    "ACC-02": "An account that was made in advance with the victim's address is not joined by the victim's login.",
    "ACC-03": "An address is verified only if the provider says exactly `true`.",
    "ACC-04": "Subjects that differ in case are two people, in every database.",
    "ACC-06": "One subject at two providers is two people.",
    "ACC-08": "Whoever takes over a name takes over nothing else.",
    "ACC-09": "A made-up address that somebody registered first changes nothing.",
    "ACC-11": "Addresses that only look like the victim's.",
    "ACC-12": "An identity of somebody else is not linked.",
    "ACC-14": "A form that finishes a profile names another identity.",
    "ACC-18": "Members of a profile that are named like columns.",
    # Native apps and tickets.
    "MOB-01": "A token that was issued to another client.",
    "MOB-02": "A token of a provider that cannot say whom it was issued to.",
    "MOB-03": "A ticket twice, and twenty times at once.",
    "MOB-04": "A ticket after its two minutes.",
    "MOB-05": "A ticket that another app caught.",
    "MOB-10": "Bodies of other types, sizes, shapes and encodings.",
    "MOB-14": "An identity that the caller names.",
    "MOB-15": "The link to an app is the one of the settings.",
    "MOB-16": "Any other method redeems no ticket.",
    # Webhooks.
    "WHK-01": "A good delivery: one event, and the token is gone.",
    "WHK-02": "No signature, or one that is not well-formed.",
    "WHK-03": "A signature of another body, secret, time, length or algorithm.",
    "WHK-04": "A good signature that is too old.",
    "WHK-05": "The same delivery three times counts once.",
    "WHK-07": "The same JSON in other bytes.",
    "WHK-09": "A delivery for another client.",
    "WHK-10": "The end of an authorization, of somebody who is known and somebody who is not.",
    "WHK-13": "A handler or database that fails; the retry does it.",
    "WHK-15": "Other methods, and a browser's Origin.",
    # Faults of a provider.
    "FLT-01": "A closed port, and an address that never answers.",
    "FLT-02": "A server that takes the request and says nothing.",
    "FLT-03": "A body, and headers, that come byte by byte.",
    "FLT-04": "Server errors; the code is sent once.",
    "FLT-05": "Too many requests, with every kind of Retry-After.",
    "FLT-06": "A page instead of JSON.",
    "FLT-07": "An error with status 200.",
    "FLT-08": "A body of ten megabytes, with and without its length.",
    "FLT-10": "JSON that is broken, cut off anywhere, or no object.",
    "FLT-11": "A user without an id.",
    "FLT-12": "An id that is no text.",
    "FLT-14": "A user and an error in one answer.",
    "FLT-16": "A token endpoint that redirects.",
    "FLT-18": "Certificates that are not right, old TLS, and an environment that would allow them.",
    "FLT-19": "A name that does not exist, and a resolver that hangs.",
    "FLT-20": "A reset before the headers, in them, and in the body.",
    "FLT-22": "Lifetimes that are no sane number of seconds.",
    "FLT-24": "Scopes: fewer, none, more, in every spelling.",
    "FLT-25": "Access tokens that are none.",
    # At the same moment.
    "CON-01": "Two tabs finish in either order.",
    "CON-02": "One callback, twice at the same moment: one exchange.",
    "CON-03": "Many ask for a token that has ended: one refresh.",
    "CON-04": "Many first logins of one person at the same moment: one account.",
    "CON-05": "Two hundred people at once are not mixed up.",
    "CON-06": "One process begins a login, another finishes it.",
    # Clocks.
    "CLK-01": "A clock that is half a minute off is fine, one of ten minutes is not.",
    "CLK-04": "Whatever ends has ended in the second that it names.",
    # Databases.
    "DBF-01": "A database that is down.",
    "DBF-02": "A database that is locked.",
    "DBF-03": "A row that somebody else inserted first.",
    "DBF-04": "A commit that fails after the exchange.",
    "DBF-05": "Two hundred failures leave no connection, thread or descriptor behind.",
    # Plugins and the names of providers.
    "PLG-01": "A provider that does not exist; its name is not repeated.",
    "PLG-02": "Paths that are tricks.",
    "PLG-06": "Two plugins with one name.",
    "PLG-07": "A plugin that cannot be imported.",
    "PLG-08": "A plugin that returns what it should not.",
    "PLG-09": "Names that are none.",
    "PLG-12": "A plugin that changes what it is given.",
    "PLG-16": "A plugin that is not on the list of the settings is not imported.",
    # Floods, logs, pages.
    "INP-01": "Twenty thousand parameters, a megabyte of query, 100 kB of state.",
    "INP-02": "Line breaks and control characters on their way into the log.",
    "INP-03": "Markup on its way into a page.",
    "INP-04": "Ten thousand logins that nobody finishes.",
    "INP-06": "Parameters in a body, cookie or header instead of the query.",
    "INP-11": "Tokens in a callback.",
    "INP-12": "Pages in a frame.",
    # Refresh and revocation.
    "REF-01": "A refresh token that is refused, with status 400 and 200.",
    "REF-02": "A refresh that brings a new refresh token, none, or an empty one.",
    "REF-03": "A refresh that brings a token of somebody else.",
    "REF-04": "A refresh that fails for now.",
    "REF-06": "A revocation that fails at unlinking.",
    # What the cheat sheet for OAuth clients asks for besides.
    "OCS-1": "No address forwards to a place that a parameter names.",
    "OCS-2": "CSRF is stopped by PKCE and by a state of use once.",
    "OCS-10": "No implicit grant.",
    "OCS-12": "Refresh tokens are rotated.",
    "OCS-13": "The least scope, and tokens for their own audience.",
    "OCS-16": "No password grant.",
    "OCS-19": "No answer over plain http.",
}
"""What is attacked, or what fails, and where it is not plain, what has to come of it."""

THROUGH: Mapping[str, tuple[str, ...]] = {
    "OCS-1": ("OPR-01", "OPR-02", "OPR-03", "OPR-04", "OPR-05", "OPR-06", "RDU-08"),
    "OCS-2": ("STA-01", "STA-02", "STA-03", "STA-08", "PKC-01"),
    "OCS-10": ("INP-11", "PKC-01"),
    "OCS-12": ("REF-02", "CON-03"),
    "OCS-13": ("RDU-05", "MOB-01", "JWT-04"),
    "OCS-19": ("RDU-06",),
}
"""Rows that hold because others do."""

OPEN: Mapping[str, str] = {
    "ACC-14": "There is no form that finishes a profile: an account is made of the provider's answer alone.",
}
"""What of a row has no test, and why."""

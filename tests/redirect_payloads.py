"""Values for a return-to, as attackers and honest pages send them."""
# ruff: noqa: RUF001 - characters that look like others are what some of these are about

BY_ROW = {
    "OPR-01": [
        "https://evil.example/", "http://evil.example", "HTTPS://EVIL.EXAMPLE", "https:evil.example",
        "http:/evil.example", "https:///evil.example", "https:/evil.example/", "ftp://evil.example",
        "ws://evil.example",
    ],
    "OPR-02": [
        "//evil.example/x", "///evil.example", "////evil.example", "//evil.example@app.example", "//", "///",
        "//\t/evil.example", "//app.example@evil.example", "//%2f/evil.example", "//evil%E3%80%82example",
        "//evil。example",
    ],
    "OPR-03": [
        "/\\evil.example", "\\\\evil.example", "\\/evil.example", "/\\/evil.example", "/\\\\evil.example",
        "\\evil.example", "/a\\..\\..\\evil.example", "/x\\", "\\", "/\\t/evil.example", "//\\evil.example",
    ],
    "OPR-04": [
        "/\t/evil.example", "\t//evil.example", "/\n/evil.example", "/\r/evil.example", "\n//evil.example",
        "/\r\n/evil.example", "\r//evil.example", "/\x00/evil.example", "\x00//evil.example", "/\x0b/evil.example",
        "/\x0c/evil.example", "/a\tb", "/\x1f/evil.example", "/\x7f/evil.example", "\x01https://evil.example",
    ],
    "OPR-05": [
        "javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)", "\x01javascript:alert(1)", "javascript://app.example/%0aalert(1)",
        "blob:https://evil.example/x", "about:blank", "view-source:https://evil.example",
        "intent://evil.example#Intent;end", "myapp://x", "mailto:a@b.example",
    ],
    "OPR-06": [
        "https://app.example@evil.example/", "https://app.example.evil.example/", "https://evil.example/?app.example",
        "https://evil.example#app.example", "https://app.example/", "https://app.example", "https://app.example:443/",
        "https://app.example%2eevil.example", "https://app.example\\@evil.example",
        "https://evil.example\\.app.example", "https://evil。example/", "https://ｅｖｉｌ.example/", "app.example/x",
        "evil.example", "www.evil.example/x", "evil.example:443/x", "1.2.3.4", "[::1]/x", "@evil.example", ":443/x",
        ":@evil.example", "?next=//evil.example", "#//evil.example", "..//evil.example", "../", "./x", "x/y",
        "%2f%2fevil.example", "%2Fevil.example", "%5cevil.example", "%09//evil.example", "&#47;&#47;evil.example",
        " //evil.example", " /x", "\u00a0//evil.example", "\u2028//evil.example", "\ufeff//evil.example", "\u3000/x",
        "．//evil.example", "／／evil.example", "∕∕evil.example", "〱evil.example", "",
    ],
    "OPR-07": [
        "/ok\r\nSet-Cookie: a=b", "/ok\nLocation: https://evil.example", "/ok\r\n\r\n<script>alert(1)</script>",
        "/ok\rX: y",
    ],
    "OPR-21": [
        "/" + "a" * 3000, "/" + "a" * 512, "/" + "é" * 200, "/" + "\U0001f600" * 60,
    ],
}  # fmt: skip
"""What is no path on our own origin, by the row of the attack: the login goes on, and ends at the start page."""

BAD = [value for values in BY_ROW.values() for value in values]

ODD = [
    "/%09/evil.example", "/%5cevil.example", "/%5c%5cevil.example", "/%2fevil.example", "/%2f%2fevil.example",
    "/%2e%2e//evil.example", "/.//evil.example", "/..//evil.example", "/../", "/./\u2028/evil.example",
    "/;//evil.example", "/@evil.example", "/:evil.example", "/https://evil.example", "/http:evil.example",
    "/javascript:alert(1)", "/?x=//evil.example", "/#//evil.example", "/#https://evil.example", "/a@b:c",
    "/。/evil.example", "/／evil.example", "/\u00a0/evil.example", "/\ufeff/evil.example", "/\u202e/evil.example",
    "/%0d%0aSet-Cookie:a=b", "/%00", "/%E2%80%AE", "/%ff", "/%", "/%zz", "/a b", "/\"onload=x", "/<script>", "/'",
    "/|x", "/^", "/`", "/{x}", "/~", "/\u0085x", "/é", "/日本",
]  # fmt: skip
"""What is a path on our own origin, however odd it looks: it is kept, and stays on our origin."""

GOOD = [
    "/",
    "/a?b=1&c=//d#e",
    "/a//b",
    "/caf%C3%A9",
    "/a%20b",
    "/a:b",
    "/a;b=c",
    "/?",
    "/a?b=%2F%2Fc",
    "/a+b?c=d+e",
    "/" + "a" * 511,
]
"""What is kept byte for byte."""

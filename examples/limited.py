"""How often somebody may ask: the library `limits` counts, and authkit asks it."""

import time
from ipaddress import ip_address, ip_network

from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

ALLOWED = {
    "start": RateLimitItemPerMinute(30),
    "connect": RateLimitItemPerMinute(30),
    "refresh": RateLimitItemPerMinute(60),
}


def new_limiter(storage="memory://"):
    """Return a limiter. Several processes share a storage such as redis://localhost:6379."""
    counter = FixedWindowRateLimiter(storage_from_string(storage))

    def limit(request, kind):
        if kind not in ALLOWED:  # a callback follows a start, and a provider delivers as much as it has
            return None
        allowed, who = ALLOWED[kind], network_of(request.remote_addr)
        if counter.hit(allowed, kind, who):
            return None
        return counter.get_window_stats(allowed, kind, who).reset_time - time.time()

    return limit


def network_of(address):
    """Return whom an address belongs to: whoever has one of IPv6 has the rest of its /64 too."""
    ip = ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return str(ip_network(f"{ip}/{32 if ip.version == 4 else 64}", strict=False))


def includeme(config):
    config.set_authkit_limiter(new_limiter())

"""Where webhooks may go: public addresses of the internet, checked by what the name resolves to.

A tenant chooses the address and our servers go there: without these rules they would knock at inner doors for it.
Names are resolved here and nowhere else, and a connection is made to the address that was checked.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import urlsplit

import dns.exception
import dns.resolver
from django.conf import settings

from shared_apps.domains.resolving import name_servers
from tenant_apps.webhooks.errors import BadAddress

Address = IPv4Address | IPv6Address
MOST_LENGTH: Final = 2000
HOST = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
RESOLVING_SECONDS: Final = 4.0
# The registries of special purposes (IANA), and one public address at which a cloud answers its own machines.
REFUSED_4: Final = [
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
        "192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 "
        "198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32"
    ).split()
]
# Global unicast and nothing else: mapped, NAT64, unique local, link local and multicast lie outside of it.
GLOBAL_6: Final = ipaddress.IPv6Network("2000::/3")
# Teredo and its neighbours, documentation, and 6to4, which all lead on to other addresses or nowhere.
REFUSED_6: Final = [
    ipaddress.ip_network(text) for text in "2001::/23 2001:db8::/32 2002::/16 3fff::/20".split()
]


@dataclass(frozen=True, slots=True)
class Target:
    """An address of an endpoint, taken apart."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == default else f"{host}:{self.port}"


def check_url(url: str) -> Target:
    """The parts of an address that may be sent to, as far as its text tells; raises BadAddress."""
    if len(url) > MOST_LENGTH:
        raise _refused(f"The address has {len(url)} characters; at most {MOST_LENGTH} fit.")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise _refused(
            "The address must be plain ASCII without spaces; write other letters as punycode or %XX."
        )
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").removesuffix("."), parts.port
    except ValueError:
        raise _refused("The address cannot be read. Write it like https://shop.example/webhooks.") from None
    _check_parts(parts.scheme, host, parts.username or parts.password, parts.fragment)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, _port(parts.scheme, host, port), path)


def resolve(target: Target) -> list[Address]:
    """All addresses of a target, every one of them checked; raises BadAddress if one is refused or none is there."""
    literal = _literal(target.host)
    found = [literal] if literal else _lookup(target.host)
    if not found:
        raise _refused(f"The name servers know no address of {target.host}. Check the spelling.")
    for address in found:
        if not is_allowed(address):
            raise _refused(
                f"{target.host} leads to an address that is not a public one of the internet. "
                "Webhooks go to public addresses only."
            )
    if target.scheme == "http" and not all(_is_named(address) for address in found):
        raise _refused("The address must begin with https://.")
    return found


def is_allowed(address: Address) -> bool:
    """Whether our servers may connect there."""
    if _is_named(address):
        return True
    if isinstance(address, IPv4Address):
        return not any(address in network for network in REFUSED_4)
    return address in GLOBAL_6 and not any(address in network for network in REFUSED_6)


def _is_named(address: Address) -> bool:
    """Whether the operators let tests and development reach it."""
    return str(address) in settings.WEBHOOK_TEST_ADDRESSES


def _check_parts(scheme: str, host: str, credentials: str | None, fragment: str) -> None:
    if scheme != "https" and not (scheme == "http" and settings.WEBHOOK_TEST_ADDRESSES):
        raise _refused("The address must begin with https://.")
    if credentials:
        raise _refused("Leave name and password out of the address: messages are signed instead.")
    if fragment:
        raise _refused("Leave out the part after #: it is never sent.")
    if _literal(host) is None and not HOST.fullmatch(host):
        raise _refused(f"{host[:80]!r} is no full host name. Write it like https://shop.example/webhooks.")
    if _literal(host) is None and host.rpartition(".")[2].isdecimal():
        raise _refused(f"{host[:80]!r} is no address. Write four numbers from 0 to 255, or a name.")


def _port(scheme: str, host: str, port: int | None) -> int:
    port = port if port is not None else {"https": 443, "http": 80}[scheme]
    literal = _literal(host)
    is_named = literal is not None and _is_named(literal)
    if not (port == 443 or 1024 <= port <= 65535 or (is_named and port)):
        raise _refused(f"Port {port} is not sent to. Use 443, or one from 1024 to 65535.")
    return port


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _lookup(host: str) -> list[Address]:
    try:
        answer = name_servers().resolve_name(f"{host}.", lifetime=RESOLVING_SECONDS, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException:
        raise _refused(f"The name servers gave no answer for {host}. Try again in a moment.") from None
    # The older protocol first: many a server has no way out by the newer one.
    return sorted(
        (ipaddress.ip_address(text) for text in answer.addresses()), key=lambda found: found.version
    )


def _refused(detail: str) -> BadAddress:
    return BadAddress(detail, field="url")

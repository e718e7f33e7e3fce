"""Which names may be claimed, and in which form they are kept."""

import ipaddress
import re
from typing import Final

import idna
from django.conf import settings

from shared_apps.domains.models import CHALLENGE
from tenants.errors import Invalid

LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# The challenge's label and its dot stand before the name, and the whole must fit.
LONGEST: Final = 253 - len(CHALLENGE) - 1
# Never in the public DNS, whatever a resolver of one's own may say of them.
NOT_PUBLIC: Final = frozenset(
    "alt arpa corp home internal invalid lan local localdomain localhost onion".split()
)


class BadDomain(Invalid):
    """The name cannot be claimed by anybody."""

    code = "bad_domain"
    title = "This name cannot be used"


def check_domain(text: str) -> str:
    """The name in its canonical form (lower case, IDNA 2008, no trailing dot); raises BadDomain."""
    typed = text.strip().removesuffix(".")
    if re.search(r"[/:@?#\s]", typed) and not _is_address(typed):
        raise _bad("Give the host name alone, such as shop.example.com: no https://, no port, no path.")
    if _is_address(typed):
        raise _bad("This is an IP address. Give a name from the DNS, such as shop.example.com.")
    if len(typed) > 253:
        raise _bad(f"Use at most {LONGEST} letters, digits and hyphens, with dots between the parts.")
    name = _encoded(typed)
    _check_labels(name)
    _check_whose(name)
    return name


def _encoded(typed: str) -> str:
    if typed.startswith("*."):
        raise _bad("A wildcard cannot be claimed. Claim each name that people should come by.")
    try:
        # UTS 46 makes capitals and full-width letters equal to their plain forms, as browsers do.
        return idna.encode(typed, uts46=True, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise _bad(
            "This is no host name. Use letters, digits and hyphens, with dots between the parts: shop.example.com."
        ) from error


def _check_labels(name: str) -> None:
    labels = name.split(".")
    if len(labels) < 2:
        raise _bad(
            "This is a single word. Give a whole name with at least one dot, such as shop.example.com."
        )
    if len(name) > LONGEST or not all(LABEL.fullmatch(label) for label in labels):
        raise _bad(f"Use at most {LONGEST} letters, digits and hyphens, with dots between the parts.")
    if labels[-1].isdigit() or labels[-1] in NOT_PUBLIC:
        raise _bad(
            f"Names that end in .{labels[-1]} do not exist in the public DNS. Use a domain that you own."
        )


def _check_whose(name: str) -> None:
    for own in (settings.PUBLIC_HOST, settings.CUSTOM_DOMAIN_TARGET):
        if name == own or name.endswith(f".{own}"):
            raise _bad(f"{own} and all names below it are the platform's. Use a domain that you own.")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def _bad(detail: str) -> BadDomain:
    return BadDomain(detail, field="domain")

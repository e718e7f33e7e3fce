"""What the name servers say of a claimed name. It asks the outside world: never call it inside a transaction."""

from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.resolver
from django.conf import settings
from dns.name import Name
from dns.rdatatype import RdataType

from shared_apps.domains.models import Claim

SECONDS: Final = 4.0
MOST_ALIASES: Final = 8
# One answer of a stranger's server must not become a page of text.
MOST_SHOWN: Final = 3


class Unanswered(Exception):
    """The name servers could not be asked, or would not say: this is neither a yes nor a no."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether one thing is as it should be; None when nobody could say. `problem` tells people what to do."""

    holds: bool | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """Who owns the name, and whether its visitors arrive here: two questions, answered apart."""

    proof: Finding
    pointing: Finding


def look_up(claim: Claim) -> Findings:
    """Ask for a claim's proof, and for where its name leads."""
    resolver = name_servers()
    return Findings(_proof(resolver, claim), _pointing(resolver, claim.domain))


def name_servers() -> dns.resolver.Resolver:
    """The name servers that are asked about names of tenants' choosing."""
    given: str = settings.DNS_RESOLVER
    resolver = dns.resolver.Resolver(configure=not given)
    if given:
        address, _, port = given.rpartition(":")
        resolver.nameservers, resolver.port = [address.strip("[]")], int(port)
    resolver.lifetime, resolver.timeout = SECONDS, SECONDS / 2
    return resolver


def _proof(resolver: dns.resolver.Resolver, claim: Claim) -> Finding:
    try:
        values = _texts(resolver, claim.challenge)
    except Unanswered as error:
        return Finding(None, str(error))
    # Equality and nothing looser: a wildcard answers for every name, and an old claim's record may still stand.
    if claim.proof in values:
        return Finding(True)
    if not values:
        return Finding(False, f"There is no TXT record at {claim.challenge}.")
    shown = ", ".join(f"“{value[:80]}”" for value in values[:MOST_SHOWN])
    return Finding(False, f"The TXT record at {claim.challenge} is {shown}, not “{claim.proof}”.")


def _pointing(resolver: dns.resolver.Resolver, domain: str) -> Finding:
    target: str = settings.CUSTOM_DOMAIN_TARGET
    try:
        aliases = _aliases(resolver, domain)
        if target in aliases:
            return Finding(True)
        addresses = _addresses(resolver, domain)
        if addresses and addresses <= _addresses(resolver, target):
            return Finding(True)
    except Unanswered as error:
        return Finding(None, str(error))
    return Finding(False, _elsewhere(domain, target, aliases, addresses))


def _elsewhere(domain: str, target: str, aliases: list[str], addresses: set[str]) -> str:
    if aliases:
        return f"{domain} points to {aliases[0]}, not to {target}."
    if addresses:
        # The address itself stays out: a resolver may know of inner networks that are no tenant's business.
        return f"{domain} has an A or AAAA record with an address that is not one of {target}."
    return f"{domain} points nowhere."


def _texts(resolver: dns.resolver.Resolver, name: str) -> list[str]:
    """The values of all TXT records. One record may come in several strings, which belong together."""
    records = _ask(resolver, name, RdataType.TXT)
    return [b"".join(record.strings).decode("utf-8", "replace") for record in records]


def _aliases(resolver: dns.resolver.Resolver, name: str) -> list[str]:
    """Where a name's CNAME leads, hop by hop; nothing when it has none."""
    found: list[str] = []
    while len(found) < MOST_ALIASES:
        records = _ask(resolver, name, RdataType.CNAME)
        if not records:
            break
        name = _text(records[0].target)
        if name in found:
            break
        found.append(name)
    return found


def _addresses(resolver: dns.resolver.Resolver, name: str) -> set[str]:
    kinds = (RdataType.A, RdataType.AAAA)
    return {record.address for kind in kinds for record in _ask(resolver, name, kind)}


def _ask(resolver: dns.resolver.Resolver, name: str, kind: RdataType) -> list:  # type: ignore[type-arg]
    """The records of one kind; none when the servers say that there is none. Raises Unanswered."""
    try:
        answer = resolver.resolve(name, kind, raise_on_no_answer=False, search=False)
    except dns.resolver.NXDOMAIN:
        return []
    except dns.exception.DNSException as error:
        raise Unanswered(
            f"The name servers gave no answer for {name}. This is tried again; if it stays so, ask whoever runs them."
        ) from error
    return list(answer.rrset or [])


def _text(name: Name) -> str:
    return name.to_text(omit_final_dot=True).lower()

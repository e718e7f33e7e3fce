"""Which subdomains may be taken. Refuses what is malformed, reserved, or mistaken for something else."""

import re
from typing import Final

from tenants.errors import Invalid

LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])")
RESERVED: Final = frozenset(
    """
    about abuse account accounts acme-challenge admin administrator api app apps assets auth autoconfig autodiscover
    beta billing blog broadcasthost cdn checkout cname console control dashboard developer developers dns
    docs download email example ext files ftp git healthz help hostmaster http https imap info internal invoice
    invoices ipv4 ipv6 isatap kb legal localdomain localhost login logout mail mailer-daemon mail-server media
    metrics migrator mobile monitoring news nobody noc noreply no-reply ns ns1 ns2 oauth operator operators owner
    pay payment payments pop pop3 portal postgres postmaster press pricing privacy proxy public readyz register
    root rowhouse sales schema search secure security sign-in sign-up signin signup smtp sso ssl staff
    static stats status stripe subdomain superuser support system team template tenant tenants terms
    tls usenet user users uucp webhook webhooks webmail webmaster wpad www www1 www2
    """.split()
)
# Hyphens go first: what they part may look like one letter.
CONFUSED: Final = (("-", ""), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("rn", "m"), ("vv", "w"))


class BadName(Invalid):
    """The subdomain cannot be taken by anybody."""

    code = "bad_subdomain"
    title = "This subdomain cannot be used"


def lookalike(name: str) -> str:
    """The name with everything the eye confuses made equal."""
    for one, other in CONFUSED:
        name = name.replace(one, other)
    return name


RESERVED_LOOKALIKES: Final = frozenset(map(lookalike, RESERVED))


def check_subdomain(name: str) -> str:
    """The subdomain in canonical form; raises BadName with what was wrong and what is expected."""
    name = name.strip().lower()
    if not LABEL.fullmatch(name):
        raise _bad("Use 3 to 63 letters a–z, digits and hyphens, with a letter or digit at both ends.")
    if name.startswith("xn--") or name[2:4] == "--":
        raise _bad("Names in punycode are refused because they can look like another. Use letters a–z.")
    if name.startswith(("pg-", "t-")) or name.isdigit():
        raise _bad("Names of digits only, and names that begin with pg- or t-, are kept for the platform.")
    if lookalike(name) in RESERVED_LOOKALIKES:
        raise _bad(
            "This name, or one that looks like it, is reserved. Choose another, your company's for instance."
        )
    return name


def _bad(detail: str) -> BadName:
    return BadName(detail, field="subdomain")

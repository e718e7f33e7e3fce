"""The libraries by which workers lay documents out: WeasyPrint opens pango when it makes a PDF."""

from __future__ import annotations

from ctypes.util import find_library

from infra.local import debian

# As WeasyPrint looks for them, and the packages that have them.
LIBRARIES = ("pango-1.0", "pangoft2-1.0", "harfbuzz-subset")
PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core")
MISSING = (
    "Pango was not found, so PDFs of invoices cannot be made; all else works. "
    f"On Debian: apt-get install {' '.join(PACKAGES)}. On macOS: brew install pango"
)


def has_pango() -> bool:
    """Whether every library is there."""
    return all(find_library(name) for name in LIBRARIES)


def ensure_pango() -> bool:
    """Install pango where that may be done without asking; elsewhere say that it is missing."""
    if not has_pango():
        if debian.may_install():
            debian.install(PACKAGES, what="Debian's pango for the PDFs of invoices", missing=MISSING)
        else:
            print(MISSING, flush=True)
    return has_pango()

"""What use costs us, from `costs.toml` beside this file; read strictly, as a forgotten meter would look like profit."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

from billing.meters import METERS
from billing.plans.reading import CatalogueError, Table
from billing.pricing.rating import to_cents

FILE: Final = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class Costs:
    """What a tenant costs a month by being there, and what a unit of each meter costs."""

    currency: str
    tenant: Decimal
    units: Mapping[str, Decimal]

    def of(self, used: Mapping[str, int]) -> Decimal:
        """What a month with this use costs, to the cent."""
        return to_cents(self.tenant + sum(quantity * self.units[meter] for meter, quantity in used.items()))


@cache
def costs() -> Costs:
    """The costs that operators reckon with."""
    return read(FILE)


def read(path: Path) -> Costs:
    """The costs of a file; raises CatalogueError for a meter that is missing or unknown."""
    file = Table(path.name, tomllib.loads(path.read_text("utf-8")))
    units = file.table("units")
    found = Costs(file.text("currency"), file.amount("tenant"), {key: units.amount(key) for key in METERS})
    units.done()
    file.done()
    if len(found.currency) != len("EUR"):
        raise CatalogueError(f"{path.name}: 'currency' must be three capital letters such as EUR.")
    return found

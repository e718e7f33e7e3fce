"""The kinds of files whose rows are records with a key."""

from typing import Final

from tenant_apps.imports.customers import CUSTOMERS
from tenant_apps.imports.models import Import
from tenant_apps.imports.products import PRODUCTS
from tenant_apps.imports.upserts import Upsert

UPSERTS: Final[dict[str, Upsert]] = {
    Import.Kind.PRODUCTS: PRODUCTS,
    Import.Kind.CUSTOMERS: CUSTOMERS,
}

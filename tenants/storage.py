"""Files of a tenant, in a folder of its own that is looked up at each use."""

from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

from tenants.context import current_tenant


@deconstructible
class TenantStorage(FileSystemStorage):
    """A file system storage whose root is the current tenant's folder; refuses outside a tenant.

    Nothing in it is served by address: a door reads the file after it has checked who asks.
    """

    @property
    def base_location(self) -> str:
        return str(Path(settings.MEDIA_ROOT) / current_tenant().schema)

    @property
    def location(self) -> str:
        return str(Path(self.base_location).absolute())


def tenant_storage() -> TenantStorage:
    """The storage to name in a FileField or to use by hand."""
    return TenantStorage()

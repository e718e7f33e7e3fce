"""The doctor of the fleet: finds what is wrong with schemas, roles, rights and ledger, and mends what is safe to mend.

`examine()` asks the catalog about all schemas at once, never one by one; `mend()` does one finding, in a transaction.
"""

from shared_apps.fleet.doctor.findings import Finding, Kind

__all__ = ["Finding", "Kind"]

"""What the importer refuses, and what to do about it."""

from tenants.errors import Conflict, DomainError, Invalid, NotFound


class NotACsv(Invalid):
    """The file is something else than delimited text."""

    code = "not_a_csv"
    title = "This is not a CSV file"


class EmptyFile(Invalid):
    """There is nothing to import."""

    code = "empty_file"
    title = "The file is empty"


class FileTooLarge(DomainError):
    """The file is over the size that one import may have."""

    code = "file_too_large"
    status = 413
    title = "The file is too large"


class InvalidMapping(Invalid):
    """The file's columns do not give what an order line needs."""

    code = "invalid_mapping"
    title = "The columns do not match"


class InvalidOptions(Invalid):
    """How the file is to be read is unknown or contradictory."""

    code = "invalid_options"
    title = "The options are not valid"


class ImportBusy(Conflict):
    """The import's present status does not allow the move."""

    code = "import_status"
    title = "Not possible in the import's present state"


class ImportMissing(NotFound):
    """There is no import with this id."""

    code = "import_not_found"
    title = "No such import"

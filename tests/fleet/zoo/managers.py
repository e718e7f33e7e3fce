"""A manager that migrations know; apart from the models, so that the migrations can be read without them."""

from typing import Any

from django.db import models


class KeeperManager(models.Manager[Any]):
    """A manager that migrations know."""

    use_in_migrations = True

"""The WSGI application that the web process serves. Whoever imports this starts the metering: tests do not."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.proxies import Application, behind_proxy


def _start_metering() -> None:
    from tenants.api.metering import calls

    calls.start()


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application: Application = get_wsgi_application()
_start_metering()
if settings.TRUSTED_PROXY:
    application = behind_proxy(application)

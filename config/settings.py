"""Django's settings. Values come from the environment through `config.env`; `.env.example` lists them all."""

from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF

import config.celery  # noqa: F401  (shared tasks bind to this application)
from config import env
from config.logging import configure_logging
from config.mail import email_settings
from tenants.api.openapi import SPECTACULAR_SETTINGS
from tenants.api.settings import REST_FRAMEWORK  # noqa: F401  (read by the REST framework)

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = env.secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.csv("SECRET_KEY_FALLBACKS")
DEBUG = env.boolean("DEBUG")

# Hosts. The middleware compares the host with the table of domains, so Django's own list stays open.
PUBLIC_HOST, PUBLIC_PORT, PUBLIC_SCHEME = (
    env.text("PUBLIC_HOST"),
    env.integer("PUBLIC_PORT"),
    env.choice("PUBLIC_SCHEME"),
)
ALLOWED_HOSTS = ["*"]
CUSTOM_DOMAIN_TARGET = env.text("CUSTOM_DOMAIN_TARGET") or PUBLIC_HOST
DNS_RESOLVER = env.text("DNS_RESOLVER")
NAME_QUARANTINE, DOMAIN_GRACE = env.duration("NAME_QUARANTINE"), env.duration("DOMAIN_GRACE")
SECURE = PUBLIC_SCHEME == "https"
TRUSTED_PROXY = env.boolean("TRUSTED_PROXY")
USE_X_FORWARDED_HOST = TRUSTED_PROXY
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY else None

# What lives where: the name of a package says in whose schema its tables are.
SHARED_APPS = [
    "unfold",
    "shared_apps.fleet",
    "shared_apps.clients",
    "shared_apps.domains",
    "shared_apps.lifecycle",
    "shared_apps.keys",
    "shared_apps.inbox",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "tenants",
    "tenants.users",
    "tenants.audit",
    "billing",
]
TENANT_APPS = [
    "django.contrib.sessions",
    "tenants",
    "tenants.users",
    "tenants.audit",
    "tenants.api",
    "tenant_apps.products",
    "tenant_apps.orders",
    "tenant_apps.invoices",
    "tenant_apps.graphql",
    "tenant_apps.imports",
    "tenant_apps.reports",
    "tenant_apps.webhooks",
]
TABLELESS_APPS = [
    "config",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "csp",
]
INSTALLED_APPS = [*SHARED_APPS, *(app for app in TENANT_APPS if app not in SHARED_APPS), *TABLELESS_APPS]

TENANT_MODEL = "clients.Client"
TENANT_DOMAIN_MODEL = "clients.Domain"
TENANT_DIRECTORY = "shared_apps.clients.directory.DatabaseDirectory"
TENANT_DB_ALIAS = "migrator"
TENANT_SYNC_ROUTER = "tenants.routers.RealmRouter"
PG_EXTRA_SEARCH_PATHS = ["ext"]
DATABASE_ROUTERS = ["tenants.routers.RealmRouter"]

# The administrator: read by `manage.py prepare` and absent from the environment of what serves.
ADMIN_DATABASE_URL = env.url("DATABASE_URL")
TENANTS_PER_CONNECTION = env.integer("TENANTS_PER_CONNECTION")
POOL_SECONDS = 10.0
_urls = env.database_urls()
_connection: dict[str, Any] = {
    "CONN_MAX_AGE": None,
    "CONN_HEALTH_CHECKS": True,
    "DISABLE_SERVER_SIDE_CURSORS": False,
}
DATABASES: dict[str, dict[str, Any]] = {
    "default": {"ENGINE": "tenants.backend", **env.parse_database_url(_urls["app"]), **_connection},
    "control": {
        "ENGINE": "django.db.backends.postgresql",
        **env.parse_database_url(_urls["control"]),
        **_connection,
    },
    "migrator": {"ENGINE": "django_tenants.postgresql_backend", **env.parse_database_url(_urls["migrator"])},
}
if env.url("REPLICA_DATABASE_URL"):
    # Reads of requests that change nothing; a dead replica must not hold them up.
    DATABASES["replica"] = {
        "ENGINE": "tenants.backend",
        **env.parse_database_url(env.replica_url()),
        **_connection,
    }
    DATABASES["replica"]["OPTIONS"] = {"connect_timeout": "2", **DATABASES["replica"]["OPTIONS"]}
if _size := env.integer("DATABASE_POOL_SIZE"):
    for _alias in {"default", "replica"} & set(DATABASES):
        DATABASES[_alias]["CONN_MAX_AGE"] = 0
        DATABASES[_alias]["OPTIONS"]["pool"] = {"min_size": _size, "max_size": _size, "timeout": POOL_SECONDS}
# A prepared statement would outlive a pooled connection, and cannot travel in one message with the opening.
for _alias in {"default", "control", "replica"} & set(DATABASES):
    DATABASES[_alias]["OPTIONS"] = {**DATABASES[_alias]["OPTIONS"], "prepare_threshold": None}
DATABASES["control"]["DISABLE_SERVER_SIDE_CURSORS"] = True

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.url("REDIS_URL"),
        "KEY_PREFIX": "rowhouse",
        "KEY_FUNCTION": "tenants.cache.realm_cache_key",
    }
}

ROOT_URLCONF = "config.urls_tenant"
PUBLIC_URLCONF = "config.urls_public"
WSGI_APPLICATION = "config.wsgi.application"
MIDDLEWARE = [
    "config.health.HealthMiddleware",
    "tenants.middleware.RequestIdMiddleware",
    "tenants.api.lane.Lane",
    "django.middleware.security.SecurityMiddleware",
    "shared_apps.domains.middleware.OwnNameMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tenants.api.problems.ProblemMiddleware",
    "tenants.middleware.RealmMiddleware",
    "tenants.middleware.NoStoreMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ]
        },
    }
]

# People and sessions
AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["tenants.users.backends.EmailBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
SESSION_ENGINE = "tenants.users.sessions"
SESSION_COOKIE_AGE = int(env.duration("SESSION_LIFETIME").total_seconds())
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "tenants.api.problems.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"

# Tokens (read by tenants.users.tokens)
ACCESS_TOKEN_LIFETIME = env.duration("ACCESS_TOKEN_LIFETIME")
REFRESH_TOKEN_LIFETIME = env.duration("REFRESH_TOKEN_LIFETIME")
SIGNING_KEYS = "shared_apps.keys.store.DatabaseKeys"

# Headers
SECURE_SSL_REDIRECT = SECURE
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

SPECTACULAR_SETTINGS["POSTPROCESSING_HOOKS"] += ["tenant_apps.webhooks.schema.describe_events"]

# Operators' admin
UNFOLD = {
    "SITE_TITLE": "Rowhouse operators",
    "SITE_HEADER": "Rowhouse",
    "SITE_SUBHEADER": "Operators",
    "SITE_SYMBOL": "holiday_village",
    "BORDER_RADIUS": "8px",
    "SHOW_HISTORY": False,
    "COLORS": {
        "primary": {
            "50": "oklch(0.98 0.01 195)",
            "100": "oklch(0.95 0.03 195)",
            "200": "oklch(0.90 0.05 195)",
            "300": "oklch(0.83 0.08 195)",
            "400": "oklch(0.74 0.10 195)",
            "500": "oklch(0.64 0.10 195)",
            "600": "oklch(0.53 0.09 195)",
            "700": "oklch(0.46 0.08 195)",
            "800": "oklch(0.39 0.06 195)",
            "900": "oklch(0.33 0.05 195)",
            "950": "oklch(0.24 0.04 195)",
        }
    },
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "title": "Tenants",
                "items": [
                    {"title": "Tenants", "icon": "holiday_village", "link": "/admin/clients/client/"},
                    {"title": "Domains", "icon": "dns", "link": "/admin/domains/claim/"},
                    {"title": "Released names", "icon": "hourglass", "link": "/admin/clients/releasedname/"},
                    {"title": "Operations", "icon": "sync_alt", "link": "/admin/lifecycle/operation/"},
                    {
                        "title": "Certificates",
                        "icon": "verified",
                        "link": "/admin/lifecycle/deletioncertificate/",
                    },
                ],
            },
            {
                "title": "Money",
                "items": [
                    {"title": "Money", "icon": "payments", "link": "/admin/money/"},
                    {"title": "Plans", "icon": "sell", "link": "/admin/billing/publishedplan/"},
                    {"title": "Subscriptions", "icon": "autorenew", "link": "/admin/billing/subscription/"},
                    {
                        "title": "Stripe's invoices",
                        "icon": "receipt",
                        "link": "/admin/billing/stripeinvoice/",
                    },
                    {"title": "Money back", "icon": "undo", "link": "/admin/billing/moneyback/"},
                    {"title": "Cases", "icon": "flag", "link": "/admin/billing/case/"},
                    {"title": "Letters", "icon": "mail", "link": "/admin/billing/letter/"},
                    {
                        "title": "Stripe's events",
                        "icon": "inbox",
                        "link": "/admin/inbox/receivedevent/",
                        "badge": "shared_apps.inbox.admin.dead_letters",
                    },
                ],
            },
            {
                "title": "Usage",
                "items": [
                    {"title": "Usage", "icon": "bar_chart", "link": "/admin/billing/rollup/"},
                    {"title": "Usage outbox", "icon": "outbox", "link": "/admin/billing/export/"},
                    {"title": "Late use", "icon": "schedule", "link": "/admin/billing/lateitem/"},
                    {"title": "Differences", "icon": "difference", "link": "/admin/billing/difference/"},
                ],
            },
            {
                "title": "Platform",
                "items": [
                    {"title": "Fleet", "icon": "dashboard", "link": "/admin/fleet/pool/"},
                    {"title": "Schemas", "icon": "database", "link": "/admin/fleet/schema/"},
                    {"title": "Runs", "icon": "rocket_launch", "link": "/admin/fleet/run/"},
                    {"title": "Operators", "icon": "badge", "link": "/admin/users/user/"},
                    {"title": "Audit log", "icon": "history", "link": "/admin/audit/auditentry/"},
                ],
            },
        ],
    },
}

# Schemas made before anybody asks for one
POOL_SIZE = env.integer("POOL_SIZE")
POOL_RATE = env.integer("POOL_RATE")

# Mail, files, language, time
globals().update(email_settings(env.url("EMAIL_URL")))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("EMAIL_FROM")
DATA_DIR = env.directory("DATA_DIR")
MEDIA_ROOT = env.directory("MEDIA_ROOT")
ARCHIVE_ROOT = env.directory("ARCHIVE_ROOT")
DELETION_GRACE = env.duration("DELETION_GRACE")
IMPORT_MAX_MB = env.integer("IMPORT_MAX_MB")
WEBHOOK_CONCURRENCY = env.integer("WEBHOOK_CONCURRENCY")
WEBHOOK_TEST_ADDRESSES = env.csv("WEBHOOK_TEST_ADDRESSES")
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
STATIC_URL = "/static/"
STATIC_ROOT = env.directory("STATIC_ROOT")
STORAGES = {
    "default": {"BACKEND": "tenants.storage.TenantStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STRIPE_API_KEY = env.secret("STRIPE_API_KEY")
STRIPE_ADDRESS = env.url("STRIPE_ADDRESS")
STRIPE_WEBHOOK_SECRETS = env.csv("STRIPE_WEBHOOK_SECRETS")
BILLING_GRACE_DAYS = env.integer("BILLING_GRACE_DAYS")

# E-mail addresses are unique by lower case, which this check cannot see.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]

LOGGING_CONFIG = None
configure_logging(json=env.choice("LOG_FORMAT") == "json", level=env.choice("LOG_LEVEL"))

"""Settings from the environment: what is read, and how a wrong value is refused."""

import re
from datetime import timedelta

import pytest

from config import env
from config.variables import VARIABLES

KEY = "k" * 60


@pytest.fixture(autouse=True)
def environ():
    """An environment with a secret key and nothing else of ours; put back before other fixtures end."""
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        patch.setenv("ENV_FILES", "false")
        patch.setenv("SECRET_KEY", KEY)
        yield patch


@pytest.fixture
def env_files(environ, tmp_path):
    """A project root of our own, whose env files are read anew."""
    environ.delenv("ENV_FILES")
    environ.setattr(env, "ROOT", tmp_path)
    env.forget_files()
    yield tmp_path
    env.forget_files()


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("PUBLIC_HOST", "shop.example", "shop.example"),
        ("DEBUG", "Yes", True),
        ("DEBUG", "0", False),
        ("WEB_WORKERS", "4", 4),
        ("PUBLIC_SCHEME", "https", "https"),
        ("SECRET_KEY_FALLBACKS", "one, two ,", ["one", "two"]),
        ("SESSION_LIFETIME", "12h", timedelta(hours=12)),
        ("EMAIL_URL", "smtp://mail.example:25", "smtp://mail.example:25"),
        ("MEDIA_ROOT", "files", env.ROOT / "files"),
        ("STRIPE_API_KEY", "rk_test_12345678", "rk_test_12345678"),
        ("STRIPE_API_KEY", "", ""),
        ("LOG_LEVEL", "", "INFO"),
    ],
)
def test_a_value_is_read_by_its_kind(environ, name, value, read):
    environ.setenv(name, value)
    assert getattr(env, VARIABLES[name].kind)(name) == read


@pytest.mark.parametrize(
    ("name", "value", "legal"),
    [
        ("PUBLIC_HOST", "https://Shop.example/", "lower case"),
        ("DEBUG", "maybe", "true, 1, yes, on, false, 0, no, off"),
        ("WEB_WORKERS", "many", "a whole number from 1 to 64"),
        ("WEB_WORKERS", "65", "a whole number from 1 to 64"),
        ("WEB_WORKERS", "\u0663", "a whole number from 1 to 64"),
        ("PUBLIC_SCHEME", "ftp", "one of http, https"),
        ("SESSION_LIFETIME", "forever", "s, m, h or d"),
        ("EMAIL_URL", "mail.example", "console:, file:, smtp:, smtps:"),
        ("DATABASE_URL", "mysql://root:hunter2@db/x", "postgresql:"),
        ("REDIS_URL", "redis://[oops", "a URL"),
        ("STRIPE_API_KEY", "pk_live_hunter2hunter2", "sk_test_, sk_live_, rk_test_ or rk_live_"),
        ("SECRET_KEY", "hunter2", "at least 50 random characters"),
        ("EMAIL_FROM", "nobody", "an address"),
    ],
)
def test_a_wrong_value_is_refused_with_the_legal_ones_and_an_example(environ, name, value, legal):
    environ.setenv(name, value)
    with pytest.raises(env.InvalidSetting) as refused:
        getattr(env, VARIABLES[name].kind)(name)
    assert str(refused.value).startswith(f"{name}=")
    assert legal in str(refused.value)
    assert f"Example: {name}={VARIABLES[name].example}" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_required_variable_that_is_missing_says_how_to_get_one(environ):
    environ.delenv("SECRET_KEY")
    with pytest.raises(env.InvalidSetting, match=r"SECRET_KEY is not set.*token_urlsafe"):
        env.secret("SECRET_KEY")


def test_a_variable_is_read_by_the_reader_that_the_table_names():
    with pytest.raises(TypeError, match=r"env\.integer\(\), not env\.text\(\)"):
        env.text("WEB_WORKERS")


def test_every_default_and_every_example_is_legal(environ):
    for variable in VARIABLES.values():
        if variable.name != "SECRET_KEY":
            getattr(env, variable.kind)(variable.name)
            environ.setenv(variable.name, variable.example)
            getattr(env, variable.kind)(variable.name)


def test_env_example_lists_exactly_the_declared_variables():
    example = (env.ROOT / ".env.example").read_text()
    listed = re.findall(r"^#? ?([A-Z_]+)=", example, re.MULTILINE)
    assert listed == list(VARIABLES)


def test_every_declared_variable_is_read_somewhere():
    folders = [env.ROOT / name for name in ("config", "infra")]
    code = "\n".join(path.read_text() for folder in folders for path in folder.rglob("*.py"))
    read = set(re.findall(r'env\.[a-z]+\(\s*"([A-Z_]+)"\s*\)', code))
    indirectly = {*(f"{alias.upper()}_DATABASE_URL" for alias in env.LOGINS), "DATABASE_URL", "ENV_FILES"}
    assert set(VARIABLES) - indirectly <= read
    assert read <= set(VARIABLES)


def test_the_process_environment_wins_over_env_and_that_over_bin_devs_file(environ, env_files):
    (env_files / ".rowhouse").mkdir()
    (env_files / ".rowhouse/env").write_text("LOG_LEVEL=DEBUG\nPUBLIC_HOST=dev.example\nWEB_PORT=1001\n")
    (env_files / ".env").write_text(
        "# ours\nexport LOG_LEVEL='ERROR'\n\nPUBLIC_HOST=file.example\nEMAIL_URL=\n"
    )
    environ.setenv("PUBLIC_HOST", "process.example")
    assert env.text("PUBLIC_HOST") == "process.example"
    assert env.choice("LOG_LEVEL") == "ERROR"
    assert env.integer("WEB_PORT") == 1001
    assert env.url("EMAIL_URL") == "console:"


def test_another_data_folder_brings_its_own_file(env_files):
    (env_files / "elsewhere").mkdir()
    (env_files / "elsewhere/env").write_text("WEB_PORT=1002")
    (env_files / ".env").write_text("DATA_DIR=elsewhere")
    assert env.integer("WEB_PORT") == 1002


def test_the_run_time_logins_default_to_the_administrators_server(environ):
    environ.setenv("DATABASE_URL", "postgresql://root:pw@db:5433/shop?sslmode=require")
    parts = {alias: env.parse_database_url(url) for alias, url in env.database_urls().items()}
    assert {alias: part["USER"] for alias, part in parts.items()} == env.LOGINS
    assert len({part["PASSWORD"] for part in parts.values()}) == 3
    assert {(p["HOST"], p["PORT"], p["NAME"], p["OPTIONS"]["sslmode"]) for p in parts.values()} == {
        ("db", "5433", "shop", "require")
    }


def test_a_run_time_url_keeps_what_it_says_and_gets_what_it_leaves_out(environ):
    environ.setenv("MIGRATOR_DATABASE_URL", "postgresql://db/shop")
    environ.setenv("CONTROL_DATABASE_URL", "postgresql://me:p%40ss@pool:6432/shop")
    environ.setenv("APP_DATABASE_URL", "postgresql://other@pool:6432/shop")
    parts = {alias: env.parse_database_url(url) for alias, url in env.database_urls().items()}
    assert parts["migrator"]["USER"] == "rowhouse_migrator"
    assert parts["migrator"]["PASSWORD"] == env.derived_password("rowhouse_migrator")
    assert (parts["control"]["USER"], parts["control"]["PASSWORD"]) == ("me", "p@ss")
    assert (parts["app"]["USER"], parts["app"]["PASSWORD"]) == ("other", env.derived_password("other"))


def test_the_passwords_come_from_the_secret_key(environ):
    before = env.derived_password("rowhouse_app")
    environ.setenv("SECRET_KEY", "j" * 60)
    assert env.derived_password("rowhouse_app") != before


def test_without_any_database_the_error_names_both_ways():
    with pytest.raises(env.InvalidSetting, match="Neither MIGRATOR_DATABASE_URL nor DATABASE_URL"):
        env.database_urls()


@pytest.mark.parametrize(
    "value", ["postgresql://db", "db/shop", "postgresql://db:port/shop", "postgresql://u:hunter2@db"]
)
def test_what_is_no_database_url_is_refused(value):
    with pytest.raises(env.InvalidSetting, match="postgresql://user:password@host:port/name") as refused:
        env.parse_database_url(value)
    assert "hunter2" not in str(refused.value)


def test_an_unknown_connection_option_is_refused_with_the_known_ones():
    with pytest.raises(env.InvalidSetting, match=r"sslmod.*sslmode"):
        env.parse_database_url("postgresql://db/shop?sslmod=require")


def test_a_socket_folder_is_given_as_an_option():
    parts = env.parse_database_url("postgresql://u@/shop?host=/run/postgresql")
    assert (parts["HOST"], parts["OPTIONS"]) == ("/run/postgresql", {})

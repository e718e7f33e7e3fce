#!/bin/sh
# Writes the logins where only memory keeps them, and becomes PgBouncer.
set -eu
umask 077
printf '"rowhouse_app" "%s"\n"rowhouse_control" "%s"\n' "$APP_DB_PASSWORD" "$CONTROL_DB_PASSWORD" \
    >/run/pgbouncer/users.txt
exec pgbouncer /etc/pgbouncer/pgbouncer.ini

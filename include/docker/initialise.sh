#!/bin/sh
# Runs before everything else at each `docker compose up`: tables, routines, roles, and the login of the Airflow UI.
set -eu
python -m include.warehouse migrate
mkdir -p "$AIRFLOW_HOME"
umask 077
printf '{"admin": "%s"}\n' "$AIRFLOW_ADMIN_PASSWORD" > "$AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"
exec airflow db migrate

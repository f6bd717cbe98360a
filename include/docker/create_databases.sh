#!/bin/sh
# Runs once, in an empty PostgreSQL: the same two owners and databases as the embedded server has.
set -eu
psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres \
    --set=warehouse_password="$WAREHOUSE_PASSWORD" --set=airflow_password="$AIRFLOW_PASSWORD" <<'SQL'
create role warehouse with login createdb createrole password :'warehouse_password';
create role airflow with login password :'airflow_password';
grant pg_monitor to warehouse;
create database warehouse owner warehouse;
create database airflow owner airflow;
\connect warehouse
create extension pg_stat_statements;
SQL

#!/bin/sh
# Two databases, and logins that may do no more than they need. Safe to run again; passwords are then set anew.
#   airflow          owns the database airflow
#   aerodag_owner    owns the database aerodag: migrations
#   aerodag_airflow  works on it, as a plain member of aerodag_worker
set -eu
psql --username "${POSTGRES_USER:-postgres}" --dbname postgres --set ON_ERROR_STOP=1 --quiet --no-psqlrc <<'SQL'
\getenv airflow_password AIRFLOW_DATABASE_PASSWORD
\getenv owner_password LEDGER_OWNER_PASSWORD
\getenv ledger_password LEDGER_PASSWORD

select format('create role %I %s', name, kind)
from (values ('airflow', 'login'), ('aerodag_owner', 'login'), ('aerodag_airflow', 'login'),
    ('aerodag_worker', 'nologin'), ('aerodag_reader', 'nologin')) as wanted (name, kind)
where not exists (select from pg_roles where rolname = name) \gexec

alter role airflow password :'airflow_password';
alter role aerodag_owner password :'owner_password';
alter role aerodag_airflow password :'ledger_password';
grant aerodag_worker to aerodag_airflow;

select format('create database %I owner %I', name, owner)
from (values ('airflow', 'airflow'), ('aerodag', 'aerodag_owner')) as wanted (name, owner)
where not exists (select from pg_database where datname = name) \gexec

revoke all on database airflow, aerodag, postgres from public;
grant connect, temporary on database aerodag to aerodag_worker, aerodag_reader;
SQL

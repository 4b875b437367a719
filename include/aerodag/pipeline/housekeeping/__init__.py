"""Housekeeping: ledger, Airflow, engine jobs, scratch folders, storage and disk are compared, and made to agree."""

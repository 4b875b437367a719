"""The pipeline's steps: plain functions that join the rooms of the domain with the ledger."""

"""Figures of an installation for Prometheus: of the ledger, and of the disks that its files lie on."""

from aerodag.monitoring.collector import LedgerCollector
from aerodag.monitoring.exporter import serve

__all__ = ["LedgerCollector", "serve"]

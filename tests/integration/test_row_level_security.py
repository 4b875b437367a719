"""Row level security, with real logins: who sees what, and who may write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import errors, sql

from aerodag import ledger
from tests.conftest import LedgerDatabase, Login, make_login

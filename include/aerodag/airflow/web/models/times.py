"""Times as the API tells them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator

# The ledger answers in the time zone of its session.
Moment = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]

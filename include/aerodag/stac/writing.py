"""Documents as bytes, the same from the same facts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def encode(document: Mapping[str, Any]) -> bytes:
    """UTF-8 JSON with a final newline. Raises ``ValueError`` for NaN or infinity, which JSON does not have."""
    return (json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n").encode()

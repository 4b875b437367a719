"""Exit code 0 when a service is well: ``healthy.py URL [COMPONENT]``.

URL answers with 200; with COMPONENT it is Airflow's ``/api/v2/monitor/health``, which says so of that one. Only the
standard library is imported: this runs every few seconds beside each service.
"""

from __future__ import annotations

import json
import sys
from urllib.request import ProxyHandler, build_opener


def main(url: str, component: str | None = None) -> int:
    """Ask once."""
    with build_opener(ProxyHandler({})).open(url, timeout=8) as answer:
        status = "healthy" if component is None else (json.load(answer).get(component) or {}).get("status")
    return 0 if status == "healthy" else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

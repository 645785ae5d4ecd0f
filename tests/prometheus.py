"""Questions to a Prometheus that runs (https://prometheus.io/docs/prometheus/latest/querying/api/)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen


def query(address: str, expression: str) -> list[dict[str, Any]]:
    """The series that an expression gives now."""
    with urlopen(f"http://{address}/api/v1/query?{urlencode({'query': expression})}", timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return found

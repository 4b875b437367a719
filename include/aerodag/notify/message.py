"""A notification in words: the same for e-mail and webhooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from aerodag.errors import sentence
from aerodag.notify.events import title


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event to tell; ``id`` is the same however often it is sent.

    ``facts`` is the payload of the outbox: dataset and run (or None), and message, code and advice where there are any.
    """

    id: UUID
    event: str
    happened_at: datetime
    facts: Mapping[str, Any]
    ui_url: str | None = None

    @property
    def dataset(self) -> Mapping[str, Any] | None:
        """Its id, name and owner."""
        return self.facts.get("dataset")

    @property
    def run(self) -> Mapping[str, Any] | None:
        """Its id, dag_run_id, state, preset, engine, started_at and finished_at."""
        return self.facts.get("run")

    @property
    def subject(self) -> str:
        """A line without breaks."""
        words = f"{self.dataset['name']}: {title(self.event)}" if self.dataset else title(self.event)
        return " ".join(f"[Aerodag] {words}".split())

    @property
    def sentence(self) -> str:
        """What happened, in the words of the task log and the run's note."""
        code, message = self.facts.get("code"), self.facts.get("message")
        if code:
            return sentence(code, message or "", self.facts.get("advice") or "").strip()
        if message:
            return str(message)
        if self.dataset and self.run:
            return f"Dataset {self.dataset['id']} ({self.dataset['name']}): {self.run['state']}."
        return title(self.event)

    @property
    def findings(self) -> list[str]:
        """What makes a result less than it should be, a sentence each."""
        return [sentence(one["code"], one["message"], one["advice"] or "") for one in self.facts.get("findings") or ()]

    @property
    def links(self) -> dict[str, str]:
        """Pages of the Airflow UI by name; none where nobody said where it is."""
        if not self.ui_url or not self.run:
            return {}
        run = quote(str(self.run["dag_run_id"]), safe="")
        return {"run": f"{self.ui_url.rstrip('/')}/dags/process_dataset/runs/{run}"}

    def to_json(self) -> str:
        """The body of a webhook: type, timestamp and data, as Standard Webhooks recommends."""
        data = {**self.facts, "sentence": self.sentence, "links": self.links}
        return json.dumps({"type": self.event, "timestamp": self.happened_at.isoformat(), "data": data})

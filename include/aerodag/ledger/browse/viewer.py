"""Who looks at the ledger, and therefore what there is to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person: who may not edit runs sees what is public or view-only, and what is their own."""

    name: str
    may_edit: bool

    @property
    def params(self) -> dict[str, Any]:
        """What the queries of this room ask about a viewer."""
        return {"viewer": self.name, "sees_all": self.may_edit}

    def may_download(self, owner: str, access: str) -> bool:
        """Whether the files of a dataset that they see are theirs to take: those of view-only ones are to look at."""
        return self.may_edit or access != "viewonly" or owner == self.name

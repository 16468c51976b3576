"""What became of pictures that many nodes made."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from subpixel.batch.report import Report


@dataclass(slots=True)
class ClusterReport(Report):
    """A `Report`, with what each node did.

    Attributes:
        nodes: pictures that each node made.
        again: pictures that were begun anew because their node was lost.
    """

    nodes: Counter[str] = field(default_factory=Counter)
    again: int = 0

    def as_json(self) -> str:
        """For programs."""
        row = json.loads(Report.as_json(self))
        row |= {"nodes": dict(self.nodes.most_common()), "begun_again": self.again}
        return json.dumps(row, indent=1) + "\n"

    def as_table(self) -> str:
        """For people."""
        first, _, rest = Report.as_table(self).partition("\n")
        nodes = "".join(f"{name}: {count} made\n" for name, count in self.nodes.most_common())
        again = f"{self.again} begun again because their node was lost\n" if self.again else ""
        return f"{first}\n{nodes}{again}{rest}"

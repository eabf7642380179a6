"""All rows."""

from __future__ import annotations

from .answer_rows import ANSWER_ROWS
from .file_rows import FILE_ROWS
from .kernel_rows import KERNEL_ROWS
from .network_rows import NETWORK_ROWS
from .process_rows import PROCESS_ROWS
from .resource_rows import RESOURCE_ROWS
from .row import HostileRow
from .verdict_rows import VERDICT_ROWS

ROWS: tuple[HostileRow, ...] = (
    *NETWORK_ROWS,
    *FILE_ROWS,
    *PROCESS_ROWS,
    *RESOURCE_ROWS,
    *KERNEL_ROWS,
    *VERDICT_ROWS,
    *ANSWER_ROWS,
)
BY_NAME = {row.name: row for row in ROWS}
assert len(BY_NAME) == len(ROWS), "two rows have one name"

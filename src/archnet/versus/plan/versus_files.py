"""The names of the files in the folder of a versus."""

from __future__ import annotations

from typing import Final

PLAN_FILE: Final = "plan.json"
"""The plan."""

VERSUS_FILE: Final = "versus.json"
"""The result; `report.html` is the page, and a folder for each question has its comparison."""

"""Reading Clarity's log lines."""

import json
import re
from typing import Any

# TensorFlow writes these itself, in C++, before any setting reaches it.
NOT_OURS = re.compile(
    r"^(WARNING: All log messages before absl|[IWE]\d{4} |To enable the following)"
)


def clarity_lines(text: str) -> list[dict[str, Any]]:
    """Each line as the JSON object that it must be."""
    lines = [line for line in text.splitlines() if line.strip() and not NOT_OURS.match(line)]
    return [json.loads(line) for line in lines]

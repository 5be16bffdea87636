"""Log records as one JSON object a line, with every value from outside made harmless (OPS-014).

Must never write a traceback's values: an exception is named by its type and place alone (HTTP-018).
"""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

_NEUTRAL = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&$\x7f"})


_DETAIL_CHARS = 2000


class JsonFormatter(logging.Formatter):
    """Formats a record and its `fields`.

    `event` is a fixed word: that of the fields, else the message of a record that has fields, else `log`. The text of
    a message that is not the word is the `detail`.

    Control characters, line ends and all that is not ASCII are escaped as JSON has it, and so are `<`, `>`, `&` and
    `$`, for readers who take a log for markup or for a template.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        fields = getattr(record, "fields", None)
        if fields is None:  # of a library: its text may be anything
            entry |= {"event": "log", "logger": record.name, "detail": record.getMessage()[:_DETAIL_CHARS]}
        elif "event" in fields:
            entry |= {"detail": record.getMessage()[:_DETAIL_CHARS]}
        entry |= fields or {}
        if record.exc_info and record.exc_info[0]:
            frames = traceback.extract_tb(record.exc_info[2])
            entry["exception"] = record.exc_info[0].__name__
            entry["at"] = [f"{frame.name}:{frame.lineno}" for frame in frames[-5:]]
        # None of these characters has a meaning in JSON outside of strings.
        return json.dumps(entry, ensure_ascii=True, default=str).translate(_NEUTRAL)

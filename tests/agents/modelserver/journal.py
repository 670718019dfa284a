"""A journal of JSON lines: numbered, one whole line per entry, safe to write from many threads."""
import itertools
import json
import threading
import time


class Journal:
    """Appends entries to one file; a reader never sees half a line."""

    def __init__(self, path):
        self.path = path
        self._file = open(path, "a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def write(self, kind, **entry):
        with self._lock:
            if self._file.closed:
                return
            head = {"n": next(self._numbers), "t": round(time.time(), 3), "kind": kind}
            self._file.write(json.dumps({**head, **entry}) + "\n")

    def entries(self, *kinds):
        """All entries so far, or those of the given kinds."""
        with open(self.path, encoding="utf-8") as lines:
            entries = [json.loads(line) for line in lines]
        return [e for e in entries if not kinds or e["kind"] in kinds]

    def close(self):
        with self._lock:
            self._file.close()

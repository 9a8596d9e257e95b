"""A download in progress: `<name>.partial` with its bytes, `<name>.partial.json` with where they came from. No network here."""

import json
from pathlib import Path

from corpus_pipeline.sources.response import Body


class Partial:
    """The bytes of `into` gathered so far, and whether they may be continued. They are discarded whenever that is in doubt."""

    def __init__(self, into: Path) -> None:
        self.path = into.with_name(into.name + ".partial")
        self._note = into.with_name(into.name + ".partial.json")

    def size(self) -> int:
        """Bytes gathered; 0 when there are none."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def may_resume(self, url: str) -> bool:
        """Whether the gathered bytes came from `url` and can be proven to be of the file that lies there now."""
        note = self._read()
        known = self.known()
        is_short = known is not None and (known.total is None or 0 < self.size() < known.total)
        return bool(note.get("url") == url and known and known.validator and self.size() and is_short)

    def range_headers(self) -> dict[str, str]:
        """Ask for the rest, and for the whole if the file has changed."""
        known = self.known()
        return {"Range": f"bytes={self.size()}-", "If-Range": known.validator if known else ""}

    def known(self) -> Body | None:
        """What the server said of the file when the gathering began."""
        note = self._read()
        total, validator = note.get("total"), note.get("validator")
        return Body(0, total, validator) if isinstance(validator, str) and isinstance(total, int | None) else None

    def begin(self, url: str, found: Body) -> None:
        """Note where the bytes come from; those before `found.start` stay."""
        if not found.start:
            self.path.write_bytes(b"")
        self._note.write_text(json.dumps({"url": url, "total": found.total, "validator": found.validator}))

    def discard(self) -> None:
        """Forget everything gathered."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def _read(self) -> dict[str, object]:
        try:
            note = json.loads(self._note.read_text())
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

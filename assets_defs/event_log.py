"""Dagster's event log in SQLite, without its waits. Only how a build writes events; the files are Dagster's own, and the UI reads them.

Dagster 1.13 makes a new SQLAlchemy engine for every event: each compiles its statements anew, and each closes the file's last
connection, at which SQLite copies its log into the file and waits for the disk. A check for each expectation makes a thousand.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

PATIENCE = 60  # seconds to wait for another process that writes the same file


class EventLog(SqliteEventLogStorage):
    """`SqliteEventLogStorage` with one connection per file, open until `dispose`. A power cut may cost the last events, no others."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "EventLog":
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:  # one thread at a time uses a connection
            if shard not in self._engines:
                self._engines[shard] = _opened(self.conn_string_for_shard(shard))
                self._initdb(self._engines[shard])
            with self._engines[shard].begin() as connection:
                yield connection

    def dispose(self) -> None:
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


def _opened(address: str) -> Engine:
    engine = create_engine(address, poolclass=StaticPool, connect_args={"timeout": PATIENCE, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def waits_at_checkpoints_only(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA synchronous = NORMAL")

    return engine

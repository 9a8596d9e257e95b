"""Answers of a language model kept in SQLite: a rerun asks nothing twice. No model is loaded or called from here but the one given.

The key is a hash of the model's identity, the call and the prompt, so another model, another wording or another temperature asks anew.
"""

import datetime
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modeling.artifacts import fingerprint_of
from modeling.errors import ArtifactError, DataError
from modeling.language_model.protocol import LanguageModel, Scores

_SCHEMA = "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL, date TEXT NOT NULL, usage TEXT) WITHOUT ROWID"
_WAIT_SECONDS = 60.0  # another process may be writing
_Told = tuple[list[int], Sequence[Any], str | None]  # rows, their answers, what these cost
_KEYS_AT_ONCE = 500  # SQLite takes 999 parameters at least


@dataclass(frozen=True, slots=True)
class CachedModel:
    """A language model in front of which answers are kept in the file `path`; see `LanguageModel` for what it answers.

    `chunk` prompts are asked and then stored together, `workers` chunks at a time: many and 1 for a local model, which is
    fast in batches; 1 and some for an endpoint, which waits. What was answered before an error is stored before it is raised.
    """

    model: LanguageModel
    path: Path
    chunk: int = 64
    workers: int = 1

    @property
    def identity(self) -> str:
        """The identity of the model behind."""
        return self.model.identity

    def generate(self, prompts: Sequence[str], *, max_new_tokens: int, temperature: float = 0.0, stop: str = "\n") -> list[str]:
        """See `LanguageModel.generate`."""
        call = {"call": "generate", "max_new_tokens": max_new_tokens, "temperature": float(temperature), "stop": stop}
        asked = [fingerprint_of([self.identity, call, prompt]) for prompt in prompts]

        def ask(rows: list[int]) -> list[str]:
            given = [prompts[row] for row in rows]
            return self.model.generate(given, max_new_tokens=max_new_tokens, temperature=temperature, stop=stop)

        return [str(answer) for answer in self._answers(asked, ask)]

    def score(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Scores]:
        """See `LanguageModel.score`."""

        def ask(rows: list[int]) -> list[list[float]]:
            return [scores.tolist() for scores in self.model.score([prompts[row] for row in rows], [choices[row] for row in rows])]

        return [np.asarray(answer, np.float64) for answer in self._answers(self._keys("score", prompts, choices), ask)]

    def choose(self, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[int]:
        """See `LanguageModel.choose`."""

        def ask(rows: list[int]) -> list[int]:
            return self.model.choose([prompts[row] for row in rows], [choices[row] for row in rows])

        return [int(answer) for answer in self._answers(self._keys("choose", prompts, choices), ask)]

    def _keys(self, call: str, prompts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[str]:
        if len(prompts) != len(choices):
            raise DataError(f"asking for {len(prompts)} prompts with {len(choices)} lists of choices: expected one list per prompt")
        return [fingerprint_of([self.identity, {"call": call}, prompt, list(own)]) for prompt, own in zip(prompts, choices, strict=True)]

    def _answers(self, keys: Sequence[str], ask: Callable[[list[int]], Sequence[Any]]) -> list[Any]:
        """The answer of each key, from the file or asked for; equal keys are asked for once."""
        found = self._stored(keys)
        first: dict[str, int] = {}
        for row, key in enumerate(keys):
            if key not in found:
                first.setdefault(key, row)
        missing = list(first.values())
        parts = [missing[start : start + self.chunk] for start in range(0, len(missing), self.chunk)]
        for rows, answers, usage in self._asked(parts, ask):
            fresh = {keys[row]: answer for row, answer in zip(rows, answers, strict=True)}
            self._store(fresh, usage)
            found.update(fresh)
        return [found[key] for key in keys]

    def _asked(self, parts: list[list[int]], ask: Callable[[list[int]], Sequence[Any]]) -> Iterator[_Told]:
        """Each part with its answers, in order; after an error no part is begun, and those under way are waited for and told."""

        def run(rows: list[int]) -> _Told:
            answers = ask(rows)
            usage = getattr(self.model, "last_usage", None)
            return rows, answers, None if usage is None else json.dumps(asdict(usage))

        if self.workers == 1:
            yield from map(run, parts)
            return
        with ThreadPoolExecutor(self.workers) as pool:
            running = [pool.submit(run, rows) for rows in parts]
            yield from _until_an_error(running)

    def _stored(self, keys: Sequence[str]) -> dict[str, Any]:
        wanted, found = sorted(set(keys)), dict[str, Any]()
        with self._opened() as connection:
            for start in range(0, len(wanted), _KEYS_AT_ONCE):
                part = wanted[start : start + _KEYS_AT_ONCE]
                marks = ", ".join("?" * len(part))
                rows = connection.execute(f"SELECT key, answer FROM answers WHERE key IN ({marks})", part)
                found.update({key: json.loads(answer) for key, answer in rows})
        return found

    def _store(self, answers: dict[str, Any], usage: str | None) -> None:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        rows = [(key, json.dumps(answer, ensure_ascii=False), now, usage) for key, answer in answers.items()]
        with self._opened() as connection:
            connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", rows)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """One transaction on the file, made if it is not there; ArtifactError for a file that is no cache."""
        try:
            with closing(sqlite3.connect(self.path, timeout=_WAIT_SECONDS)) as connection, connection:
                connection.execute(_SCHEMA)
                yield connection
        except sqlite3.Error as error:
            raise ArtifactError(f"reading the cache of answers {self.path}: {error}; move the file away, answers are asked anew") from error


def _until_an_error(running: "list[Future[_Told]]") -> Iterator[_Told]:
    failure: BaseException | None = None
    for future in running:
        if future.cancelled():
            continue
        error = future.exception()
        if error is None:
            yield future.result()
        elif failure is None:
            failure = error
            for later in running:
                later.cancel()
    if failure is not None:
        raise failure

"""The linker's faces: raw text, the titles of the data sets, their mentions.

How it works: stretches of text that could be a title, exactly or nearly spelled; the films that each could mean; features
of text and film; a learned probability for each film and for 'no film'; then link, or abstain with a reason. All of it is
array work on a batch of texts; a text's links do not depend on the batch, only on the texts of its own dialogue.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from corpus_pipeline.errors import LinkError
from corpus_pipeline.linking import decide
from corpus_pipeline.linking.candidates import contexts
from corpus_pipeline.linking.consider import consider_texts, consider_titles
from corpus_pipeline.linking.gold import collected_in
from corpus_pipeline.linking.settings import DEFAULT, BlockSettings
from corpus_pipeline.linking.title_index import TitleIndex
from corpus_pipeline.linking.weights import LinkWeights, load_weights
from corpus_pipeline.linking.words import Array
from corpus_pipeline.schema.fields import LAST_YEAR
from corpus_pipeline.schema.tables import LINK_DIALOGUE_MOVIES, LINK_MENTIONS
from corpus_pipeline.store import conform, connect

BATCH_CHARACTERS = 2_000_000  # about 400 MB of arrays

_MENTIONS = """
    SELECT dialogue_id, turn_index, mention_index, dataset, link.* EXCLUDE (dataset, source_movie_id)
    FROM mentions
    LEFT JOIN link USING (dataset, source_movie_id)
    ORDER BY dialogue_id, turn_index, mention_index
"""


@dataclass(frozen=True, slots=True)
class Linker:
    """Finds films in text and links titles; build it once per release, then use it from as many threads as wanted."""

    index: TitleIndex
    weights: LinkWeights = field(default_factory=load_weights)
    settings: BlockSettings = DEFAULT

    def link_texts(
        self, texts: Sequence[str], *, dialogues: Sequence[object] | None = None, as_of: Sequence[int] | int = LAST_YEAR
    ) -> pa.Table:
        """Every film named in `texts` (any strings), one row per stretch linked or abstained from: schema `decide.TEXT_LINKS`.

        `dialogues` names the dialogue of each text, texts of one in the order they were said: people named earlier help later.
        `as_of` is the year in which each was said. LinkError when there are not as many dialogues as texts.
        """
        if dialogues is not None and len(dialogues) != len(texts):
            raise LinkError(f"linking {len(texts)} texts: {len(dialogues)} dialogues given; expected the dialogue of each text, or none")
        years = np.broadcast_to(np.asarray(as_of, np.int32), len(texts))
        found = []
        for rows in _batches(texts, dialogues):
            batch = [texts[row] for row in rows]
            context = contexts(dialogues and [dialogues[row] for row in rows], len(batch), years[rows])
            considered = consider_texts(batch, context, self.index, self.weights.cues, self.settings)
            links = decide.in_texts(considered, batch, self.index, self.weights.text)
            found.append(links.set_column(0, "text_index", pa.array(np.asarray(rows, np.int32)[links["text_index"].to_numpy()])))
        return pa.concat_tables(found) if found else decide.TEXT_LINKS.empty_table()

    def link_titles(self, titles: pa.Table) -> pa.Table:
        """One decision (decide.DECISION_COLUMNS) per row of `titles` (dataset, surface, mention_year, imdb_id), in its order."""
        surfaces = ["" if surface is None else surface for surface in titles["surface"].to_pylist()]
        year = np.asarray(titles["mention_year"].cast(pa.int32()).fill_null(0).to_numpy())
        as_of = np.array([collected_in(name) for name in titles["dataset"].to_pylist()], np.int32)
        considered = consider_titles(surfaces, year, as_of, self.index, self.settings)
        return decide.of_titles(considered, titles["imdb_id"].to_pylist(), self.index, self.weights.title)


def _batches(texts: Sequence[str], dialogues: Sequence[object] | None) -> Iterator[Array]:
    """Rows of `texts` in batches of about BATCH_CHARACTERS; a dialogue is never cut."""
    order = np.arange(len(texts)) if dialogues is None else _by_dialogue(dialogues)
    start, size = 0, 0
    for place, row in enumerate(order.tolist()):
        is_new = dialogues is None or place == 0 or dialogues[row] != dialogues[int(order[place - 1])]
        if size > BATCH_CHARACTERS and is_new:
            yield order[start:place]
            start, size = place, 0
        size += len(texts[row]) + 1
    if start < len(texts):
        yield order[start:]


def _by_dialogue(dialogues: Sequence[object]) -> Array:
    numbers: dict[object, int] = {}
    return np.argsort(np.array([numbers.setdefault(name, len(numbers)) for name in dialogues], np.int64), kind="stable")


def link_dialogue_movies(titles: pa.Table, linker: Linker) -> pa.Table:
    """Link `titles` (columns of core_dialogue_movies) to films; returns table `link_dialogue_movies`, sorted by its key."""
    ordered = titles.sort_by([("dataset", "ascending"), ("source_movie_id", "ascending")])
    decisions = linker.link_titles(ordered)
    columns = {name: ordered[name] for name in ("dataset", "source_movie_id")} | {name: decisions[name] for name in decide.DECISION_COLUMNS}
    return conform(pa.table(columns), LINK_DIALOGUE_MOVIES)


def link_mentions(mentions: pa.Table, link_dialogue_movies: pa.Table) -> pa.Table:
    """Carry each data set movie's link to its mentions; ContractError when a mention's movie was never offered to the linker."""
    with connect({"mentions": mentions, "link": link_dialogue_movies}) as con:
        return conform(con.execute(_MENTIONS).to_arrow_table(), LINK_MENTIONS)

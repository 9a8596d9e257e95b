"""Coverage, agreement and the blocks' ceiling, counted by hand."""

import pyarrow as pa
import pytest

from corpus_pipeline.linking.evaluate import agreement, recall_ceiling
from corpus_pipeline.linking.settings import DEFAULT, BlockSettings
from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import LINK_DIALOGUE_MOVIES
from tests.catalogues import Film, index_of


def _links(*movie_ids: str | None) -> pa.Table:
    rows = [
        {
            "dataset": "starter",
            "source_movie_id": str(n),
            "movie_id": m,
            "link_status": "linked" if m else "abstained",
            "link_rule": "exact_title",
        }
        for n, m in enumerate(movie_ids)
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(LINK_DIALOGUE_MOVIES))


_IDS = pa.table({"movie_id": ["mqa", "mqb"], "authority": ["imdb", "imdb"], "authority_id": ["tt1", "tt2"]})


def test_agreement_counts_titles_and_mentions() -> None:
    # title 0: right; 1: wrong; 2: not linked; 3: linked, but its true film is not in the catalogue; 4: no truth
    truth = pa.table({"dataset": ["starter"] * 4, "source_movie_id": ["0", "1", "2", "3"], "imdb_id": ["tt1", "tt2", "tt1", "tt9"]})
    counts = pa.table({"dataset": ["starter"] * 5, "source_movie_id": list("01234"), "mention_count": [6, 2, 1, 1, 10]})
    found = agreement(_links("mqa", "mqa", None, "mqb", "mqb"), truth, _IDS, mention_counts=counts)
    assert (found.title_count, found.mention_count, found.compared_count) == (5, 20, 2)
    assert (found.linked_share, found.linked_mention_share) == pytest.approx((0.8, 0.95))
    assert (found.agreement_share, found.agreement_mention_share) == pytest.approx((0.5, 0.75))
    assert [(row["source_movie_id"], row["movie_id"], row["true_movie_id"]) for row in found.disagreements.to_pylist()] == [
        ("1", "mqa", "mqb")
    ]


def test_the_most_mentioned_disagreement_comes_first() -> None:
    truth = pa.table({"dataset": ["starter"] * 3, "source_movie_id": ["0", "1", "2"], "imdb_id": ["tt2"] * 3})
    counts = pa.table({"dataset": ["starter"] * 3, "source_movie_id": list("012"), "mention_count": [1, 9, 4]})
    found = agreement(_links("mqa", "mqa", "mqb"), truth, _IDS, mention_counts=counts)
    assert [(row["source_movie_id"], row["mention_count"]) for row in found.disagreements.to_pylist()] == [("1", 9), ("0", 1)]


def test_a_title_that_nobody_mentions_has_no_weight() -> None:
    truth = pa.table({"dataset": ["starter"] * 3, "source_movie_id": ["0", "1", "2"], "imdb_id": ["tt1", "tt1", "tt2"]})
    counts = pa.table({"dataset": ["starter"], "source_movie_id": ["0"], "mention_count": [4]})
    found = agreement(_links("mqa", None, "mqa"), truth, _IDS, mention_counts=counts)
    assert (found.title_count, found.mention_count) == (3, 4)
    assert (found.linked_mention_share, found.agreement_mention_share) == (1.0, 1.0)
    assert (found.linked_share, found.agreement_share) == pytest.approx((2 / 3, 0.5))
    nobody = agreement(_links("mqa"), truth, _IDS, mention_counts=counts.slice(1))
    assert (nobody.mention_count, nobody.linked_mention_share, nobody.agreement_mention_share) == (0, 0, 0)


def test_without_counts_every_title_weighs_one() -> None:
    truth = pa.table({"dataset": ["starter"], "source_movie_id": ["0"], "imdb_id": ["tt1"]})
    found = agreement(_links("mqa", None), truth, _IDS)
    assert (found.linked_share, found.linked_mention_share, found.agreement_share) == (0.5, 0.5, 1.0)


def test_an_empty_linking_agrees_with_nothing() -> None:
    truth = pa.table({name: pa.array([], pa.string()) for name in ("dataset", "source_movie_id", "imdb_id")})
    found = agreement(_links(), truth, _IDS)
    assert (found.title_count, found.linked_share, found.agreement_mention_share, found.disagreements.num_rows) == (0, 0, 0, 0)


def test_the_ceiling_is_the_share_the_blocks_propose() -> None:
    index = index_of(Film("Mirrorwise"), Film("Mirrorwisp"), Film("The Copper Lighthouse"))
    queries, truths = ["mirorwise", "coper lighthose", "zzyzx qqvw"], ["mirrorwise", "copper lighthouse", "mirrorwise"]
    assert recall_ceiling(queries, truths, index, DEFAULT) == pytest.approx(2 / 3)
    assert recall_ceiling(queries[:1], ["mirrorwisp"], index, BlockSettings(keys_per_query=1)) == 1  # none is cut off
    assert recall_ceiling(["mirrorwisse"], truths[:1], index, DEFAULT) == 1
    assert recall_ceiling(["mirrorwisse"], truths[:1], index, BlockSettings(segment_cap=1, gram_budget=1)) == 0  # all blocks have both
    assert recall_ceiling([], [], index, DEFAULT) == 0

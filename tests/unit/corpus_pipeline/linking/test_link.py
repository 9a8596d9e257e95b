"""The linker end to end on a made-up catalogue: rules, abstentions, planted misspellings, properties over any text."""

import random
import string
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from corpus_pipeline.errors import ContractError, LinkError
from corpus_pipeline.linking.link import Catalogue, catalogue_of, link_mentions, link_titles
from corpus_pipeline.linking.settings import LinkSettings
from corpus_pipeline.schema.render import arrow_schema
from corpus_pipeline.schema.tables import LINK_DIALOGUE_MOVIES, LINK_MENTIONS, MENTIONS
from corpus_pipeline.transform.text import title_key


@pytest.mark.parametrize(
    ("title", "year", "suffix", "rule"),
    [
        ("The Copper Lighthouse", 1962, "01", "exact_title_year"),
        ("copper lighthouse", 2004, "02", "exact_title_year"),
        ("The Copper Lighthouse", 2005, "02", "exact_title_near_year"),
        ("The Copper Lighthouse", None, "02", "exact_title"),
        ("Harbour and Hound", 1975, "10", "exact_title_year"),
        ("12 Orchards", 1957, "11", "exact_title_year"),
        ("Vortex Riders III", 2006, "05", "exact_title_year"),
        ("Vortex Riders: Return to Umber", 2002, "04", "exact_title_year"),
        ("Return to Umber", 2002, "04", "fuzzy_title_year"),
        ("Grossmutter zeichnete Karten", 2010, "08", "exact_title_year"),
        ("Grandmother Was a Cartografer", 2010, "08", "fuzzy_title_year"),
        ("Grandmother Was a Cartografer", None, "08", "fuzzy_title"),
        ("Grandmother Was a Cartografer", 2011, "08", "fuzzy_title_year"),
    ],
)
def test_a_title_is_linked_by_the_rule_that_fits(catalogue: Catalogue, title: str, year: int | None, suffix: str, rule: str) -> None:
    link = catalogue.link_text(title, year)
    assert (link.movie_id, link.link_rule, link.link_status, link.link_reason) == (f"mq0000000000{suffix}", rule, "linked", None)


@pytest.mark.parametrize(
    ("title", "year", "code"),
    [
        ("Never Filmed at All", 1999, "no_candidate"),
        ("", None, "no_candidate"),
        ("?!", None, "no_candidate"),
        ("The Copper Lighthouse", 1983, "year_disagrees"),
        ("Grandmother Was a Cartografer", 1955, "year_disagrees"),
        ("Plum: The Cold War Years", None, "year_disagrees"),  # a subtitle the catalogue lacks names another film
        ("Mirrorwise", None, "ambiguous"),
        ("Vortex Riders 4", None, "no_candidate"),  # one letter from 'Vortex Riders 3', but numbers must agree
        ("Oxx", 1988, "no_candidate"),  # too short to be a misspelling of anything
        ("Plumb", 2011, "no_candidate"),
    ],
)
def test_the_linker_abstains_with_a_reason(catalogue: Catalogue, title: str, year: int | None, code: str) -> None:
    link = catalogue.link_text(title, year)
    assert (link.movie_id, link.link_status, link.link_rule) == (None, "abstained", "abstain")
    assert link.link_reason is not None
    assert link.link_reason.split(":")[0] == code


def test_an_undated_series_name_means_its_first_film(catalogue: Catalogue) -> None:
    link = catalogue.link_text("Vortex Riders")
    assert (link.movie_id, link.link_rule) == ("mq000000000003", "fuzzy_title")


def test_the_article_decides_between_namesakes(catalogue: Catalogue) -> None:
    assert catalogue.link_text("Plum").movie_id == "mq000000000006"
    assert catalogue.link_text("A Plum").movie_id == "mq000000000007"


def test_the_runner_up_is_kept(catalogue: Catalogue) -> None:
    link = catalogue.link_text("The Copper Lighthouse", 2004)
    assert link.runner_up_movie_id == "mq000000000001"
    assert link.link_score is not None
    assert link.runner_up_score is not None
    assert link.link_score > link.runner_up_score


def test_an_authority_id_beats_the_title(catalogue_tables: dict[str, pa.Table], asked: Callable[..., pa.Table]) -> None:
    titles = asked(("Ox", 1988, "tt9000012"), ("Ox", 1988, "tt7777777"), ("Harbour & Hound", 1975, "tt7777777"))
    links = link_titles(titles, **catalogue_tables).to_pylist()
    assert [link["movie_id"] for link in links] == ["mq000000000012", None, "mq000000000010"]
    assert links[0]["link_rule"] == "authority_id"
    # 'Ox' of the catalogue has another IMDb id, so it is another film; 'Harbour & Hound' has none, so it may be this one.
    assert links[1]["link_reason"] == "unknown_authority_id"


def test_a_film_from_after_the_dialogues_is_not_meant(catalogue_tables: dict[str, pa.Table], asked: Callable[..., pa.Table]) -> None:
    early = LinkSettings(latest_years=(("starter", 1970),))
    titles = asked(("The Copper Lighthouse", None, None))
    assert link_titles(titles, **catalogue_tables)["movie_id"].to_pylist() == ["mq000000000002"]
    assert link_titles(titles, **catalogue_tables, settings=early)["movie_id"].to_pylist() == ["mq000000000001"]
    just = LinkSettings(latest_years=(("starter", 2004),))  # the year itself still counts
    assert link_titles(titles, **catalogue_tables, settings=just)["movie_id"].to_pylist() == ["mq000000000002"]


def test_a_title_that_exists_is_no_misspelling(films: Callable[..., dict[str, pa.Table]], asked: Callable[..., pa.Table]) -> None:
    """'The Copper Lighthouse' of 1983 is unknown; the film of that year whose title has one letter more is another one."""
    tables = films((("The Copper Lighthouse",), 1962, None), (("The Copper Lighthouses",), 1983, None))
    links = link_titles(asked(("The Copper Lighthouse", 1983, None), ("The Copper Lighthousess", 1983, None)), **tables)
    assert links["movie_id"].to_pylist() == [None, "mq000000000001"]
    assert links["link_reason"].to_pylist()[0] == "year_disagrees: best candidate mq000000000000"


def test_link_titles_gives_every_title_one_row_sorted_by_key(catalogue_tables: dict[str, pa.Table], asked: Callable[..., pa.Table]) -> None:
    titles = asked(("Ox", 1988, None), ("Plum", 2011, None), ("nothing like it", None, None))
    links = link_titles(titles.take(pa.array([2, 0, 1])), **catalogue_tables)
    assert links.schema == arrow_schema(LINK_DIALOGUE_MOVIES)
    assert links["source_movie_id"].to_pylist() == ["000", "001", "002"]
    assert links["movie_id"].to_pylist() == ["mq000000000009", "mq000000000006", None]
    assert links == link_titles(titles, **catalogue_tables)


def test_no_title_gives_an_empty_table(catalogue_tables: dict[str, pa.Table], asked: Callable[..., pa.Table]) -> None:
    assert link_titles(asked(), **catalogue_tables) == arrow_schema(LINK_DIALOGUE_MOVIES).empty_table()


def test_equal_candidates_are_ordered_by_id(asked: Callable[..., pa.Table]) -> None:
    twins = ["mqbbbbbbbbbbbb", "mqaaaaaaaaaaaa"]
    movies = pa.table({"movie_id": twins, "year": pa.array([2000, 2000], pa.int32()), "popularity_score": [1.0, 1.0]})
    titles = pa.table({"movie_id": twins, "title": ["Twin"] * 2, "title_key": ["twin"] * 2, "title_kind": ["primary"] * 2})
    ids = pa.table({name: pa.array([], pa.string()) for name in ("movie_id", "authority", "authority_id", "source")})
    tables = {"core_movies": movies, "core_titles": titles, "core_movie_ids": ids}
    torn = link_titles(asked(("Twin", 2000, None)), **tables).to_pylist()[0]
    assert (torn["movie_id"], torn["runner_up_movie_id"]) == (None, "mqbbbbbbbbbbbb")
    assert torn["link_reason"] == "ambiguous: best candidate mqaaaaaaaaaaaa"
    bold = link_titles(asked(("Twin", 2000, None)), **tables, settings=LinkSettings(margin=0.0)).to_pylist()[0]
    assert (bold["movie_id"], bold["runner_up_movie_id"]) == ("mqaaaaaaaaaaaa", "mqbbbbbbbbbbbb")


def test_a_catalogue_of_mixed_builds_is_refused(catalogue_tables: dict[str, pa.Table]) -> None:
    strangers = catalogue_tables["core_titles"].set_column(
        0, "movie_id", pa.array(["mqffffffffffff"] * catalogue_tables["core_titles"].num_rows)
    )
    with pytest.raises(LinkError, match="same build"):
        catalogue_of(catalogue_tables["core_movies"], strangers, core_movie_ids=catalogue_tables["core_movie_ids"])


def test_mentions_carry_the_link_of_their_movie(catalogue_tables: dict[str, pa.Table], asked: Callable[..., pa.Table]) -> None:
    links = link_titles(asked(("Ox", 1988, None), ("nothing like it", None, None)), **catalogue_tables)
    mentions = _mentions([("starter:1", 0, 0, "001"), ("starter:1", 2, 0, "000"), ("starter:0", 1, 0, "000")])
    linked = link_mentions(mentions, links)
    assert linked.schema == arrow_schema(LINK_MENTIONS)
    assert [(row["dialogue_id"], row["turn_index"], row["movie_id"]) for row in linked.to_pylist()] == [
        ("starter:0", 1, "mq000000000009"),
        ("starter:1", 0, None),
        ("starter:1", 2, "mq000000000009"),
    ]


def test_a_mention_that_was_never_offered_is_an_error(catalogue_tables: dict[str, pa.Table], asked: Callable[..., pa.Table]) -> None:
    links = link_titles(asked(("Ox", 1988, None)), **catalogue_tables)
    with pytest.raises(ContractError, match="link_status"):
        link_mentions(_mentions([("starter:1", 0, 0, "999")]), links)


def _mentions(rows: list[tuple[str, int, int, str]]) -> pa.Table:
    named = [{"dialogue_id": d, "turn_index": t, "mention_index": m, "dataset": "starter", "source_movie_id": s} for d, t, m, s in rows]
    return pa.Table.from_pylist(named, schema=arrow_schema(MENTIONS))


# --- properties over any text


@given(title=st.text(max_size=60), year=st.none() | st.integers(1870, 2035))
@example(title="\ud800", year=None)
@example(title="'; DROP TABLE names; --", year=2000)
@example(title="\x00", year=None)
@example(title=":", year=1999)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_answered(catalogue: Catalogue, title: str, year: int | None) -> None:
    link = catalogue.link_text(title, year)
    assert (link.link_status == "linked") == (link.movie_id is not None) == (link.link_reason is None)
    assert link.link_score is None or 0 <= link.link_score <= 1
    assert link.runner_up_score is None or (link.link_score is not None and link.runner_up_score <= link.link_score)
    assert catalogue.link_text(title, year) == link


# --- planted truth

_SYLLABLES = ("ba", "dor", "ki", "lum", "ne", "pra", "sil", "tov", "ug", "vel", "wim", "zor")


def _made_up_titles(count: int, draw: random.Random) -> list[str]:
    made: set[str] = set()
    while len(made) < count:
        words = ["".join(draw.choices(_SYLLABLES, k=draw.randint(2, 4))) for _ in range(draw.randint(2, 4))]
        made.add(" ".join(words).title())
    return sorted(made)


def _misspelled(title: str, draw: random.Random) -> str:
    place = draw.randrange(1, len(title) - 1)
    letter = draw.choice(string.ascii_lowercase)
    kind = draw.choice(("drop", "double", "swap", "replace"))
    return {
        "drop": title[:place] + title[place + 1 :],
        "double": title[:place] + title[place] + title[place:],
        "swap": title[: place - 1] + title[place] + title[place - 1] + title[place + 1 :],
        "replace": title[:place] + letter + title[place + 1 :],
    }[kind]


def test_planted_misspellings_are_recovered(asked: Callable[..., pa.Table]) -> None:
    draw = random.Random(20)
    titles = _made_up_titles(400, draw)
    ids = [f"mq{number:012x}" for number in range(len(titles))]
    tables = {
        "core_movies": pa.table(
            {"movie_id": ids, "year": pa.array([1990 + n % 30 for n in range(400)], pa.int32()), "popularity_score": [3.0] * 400}
        ),
        "core_titles": pa.table(
            {"movie_id": ids, "title": titles, "title_key": [title_key(t) for t in titles], "title_kind": ["primary"] * 400}
        ),
        "core_movie_ids": pa.table({name: pa.array([], pa.string()) for name in ("movie_id", "authority", "authority_id", "source")}),
    }
    queries = [(_misspelled(title, draw), 1990 + n % 30, None) for n, title in enumerate(titles)]
    links = link_titles(asked(*queries), **tables)["movie_id"].to_pylist()
    right = sum(link == truth for link, truth in zip(links, ids, strict=True))
    wrong = sum(link not in (None, truth) for link, truth in zip(links, ids, strict=True))
    assert right >= 380
    assert wrong == 0

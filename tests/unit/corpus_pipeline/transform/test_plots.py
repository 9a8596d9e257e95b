"""Plots: what is dropped and why, and the order of the rest."""

import pytest

from corpus_pipeline.transform.survivorship import SurvivorshipRules

LONG = "A lighthouse keeper finds a letter that was never sent, and rows out to answer it before the winter."
RANKS = {name: number for number, name in enumerate(("tmdb_jirving", "imdb_raedaddala", "wikipedia_prust", "omdb_org"))}


@pytest.fixture
def plots(record, build):
    """plots({source: [texts or (text, language)]}): (core_plots as (source, text), rejects as (reason, text))."""

    def run(told, **options):
        rows = [
            record(source, source, "Alpha", 2000, imdb_id="tt0000001", plots=[_plot(given) for given in texts])
            for source, texts in told.items()
        ]
        tables = build(rows, source_ranks=RANKS, **options)
        found = [(row["source"], row["text"]) for row in tables["core_plots"].to_pylist()]
        assert tables["core_plots"]["plot_rank"].to_pylist() == list(range(1, len(found) + 1))
        (movie,) = tables["core_movies"].to_pylist()
        assert (movie["plot_source"], movie["plot"]) == (found[0] if found else (None, None))
        return found, [(row["reason"], row["raw_text"]) for row in tables["core_movies__rejected"].to_pylist()]

    return run


def _plot(given):
    text, language = given if isinstance(given, tuple) else (given, None)
    return {"text": text, "language": language}


def test_placeholders_and_scraps_are_dropped_with_a_reason(plots) -> None:
    found, rejects = plots({"tmdb_jirving": ["Add a Plot »", "Too short.", LONG], "omdb_org": [""]})
    assert found == [("tmdb_jirving", LONG)]
    assert rejects == [
        ("dropped_plot_too_short", ""),
        ("dropped_plot_placeholder", "Add a Plot »"),
        ("dropped_plot_too_short", "Too short."),
    ]


def test_a_long_text_that_begins_like_a_placeholder_stays(plots) -> None:
    text = "Coming soon after the war, the travellers of this story " + "walk on and on " * 8
    assert plots({"tmdb_jirving": [text]})[0] == [("tmdb_jirving", text.strip())]


def test_order_of_preference(plots) -> None:
    found, _ = plots(
        {
            "omdb_org": [(LONG + " Ende der Geschichte, die lang ist.", "de"), (LONG + " From omdb.org.", "en")],
            "wikipedia_prust": [LONG + " From the encyclopaedia."],
            "imdb_raedaddala": ["A keeper finds a letter."],
            "tmdb_jirving": [LONG, LONG + " Longer."],
        }
    )
    assert [source for source, _ in found] == ["tmdb_jirving", "tmdb_jirving", "imdb_raedaddala", "wikipedia_prust", "omdb_org", "omdb_org"]
    assert found[0][1].endswith("Longer.")
    assert found[-1][1].startswith(LONG + " Ende")


def test_length_beyond_the_cap_does_not_count(plots) -> None:
    cap = SurvivorshipRules(plot_length_cap=150)
    assert plots({"tmdb_jirving": [LONG], "imdb_raedaddala": [LONG * 2]}, rules=cap)[0][0][0] == "imdb_raedaddala"
    assert plots({"tmdb_jirving": [LONG + " " + LONG], "imdb_raedaddala": [LONG * 3]}, rules=cap)[0][0][0] == "tmdb_jirving"


def test_equal_texts_are_kept_once_under_the_better_source(plots) -> None:
    assert plots({"imdb_raedaddala": [LONG], "tmdb_jirving": [f" {LONG} ", LONG.replace("before", "&#98;efore")]})[0] == [
        ("tmdb_jirving", LONG)
    ]

"""Every quirk of the CSV-like film sources, on made-up rows in the upstream's own spelling."""

import bz2
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus_pipeline.errors import SourceError
from corpus_pipeline.schema.tables import MOVIE_RECORDS
from corpus_pipeline.sources.movies_csv.ggplot2movies import GENRES, read_imdb_ggplot2movies
from corpus_pipeline.sources.movies_csv.imdb_basics import read_imdb_basics_2000_2024, read_imdb_basics_2010_2019
from corpus_pipeline.sources.movies_csv.imdb_flatiron import read_tmdb_flatiron
from corpus_pipeline.sources.movies_csv.imdb_movies_india import read_imdb_india
from corpus_pipeline.sources.movies_csv.imdb_official import read_imdb_official
from corpus_pipeline.sources.movies_csv.imdb_raedaddala import read_imdb_raedaddala
from corpus_pipeline.sources.movies_csv.movielens import read_movielens_25m, read_movielens_official
from corpus_pipeline.sources.movies_csv.omdb_org import read_omdb_official, read_omdb_org
from corpus_pipeline.sources.movies_csv.svod_catalog import read_svod_amazon, read_svod_netflix
from corpus_pipeline.sources.movies_csv.timdb_bollywood import read_timdb_bollywood
from corpus_pipeline.sources.movies_csv.tmdb_jirving import read_tmdb_jirving
from corpus_pipeline.sources.reading import Read

Files = dict[str, str | bytes]


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., tuple[Read, list[dict[str, Any]]]]:
    """Writes files below a folder and reads it; gives the Read and its records without nulls, by record id."""

    def run(reader: Callable[[Path, Path], Read], files: Files) -> tuple[Read, list[dict[str, Any]]]:
        for name, content in files.items():
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        read = reader(tmp_path / "in", tmp_path / "scratch")
        rows = read.tables[MOVIE_RECORDS.name].to_pylist()
        return read, [{name: cell for name, cell in row.items() if cell is not None} for row in rows]

    return run


Made = Callable[..., tuple[Read, list[dict[str, Any]]]]


def people(record: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(p["role"], p["position"], p["name"], p["imdb_person_id"]) for p in record["people"]]


def reasons(read: Read) -> list[tuple[str, int, str]]:
    return [(Path(row["file"]).name, row["line"], row["reason"]) for row in read.rejects.to_pylist()]


TMDB = (
    "adult,backdrop_path,belongs_to_collection,budget,genres,homepage,id,imdb_id,original_language,original_title,overview,popularity,"
    "poster_path,production_companies,production_countries,release_date,revenue,runtime,spoken_languages,status,tagline,title,video,"
    "vote_average,vote_count,certification\n"
)


def test_tmdb_jirving(made: Made) -> None:
    first = (
        "False,,,0,\"[{'id': 18, 'name': 'Drama'}, {'id': 1, 'name': \"\"Kids' TV\"\"}]\",,7,tt0000007,fr,Brume,Fog comes.\r Twice,1.9,,[],"
        "\"[{'iso_3166_1': 'FR', 'name': 'France'}]\",2001-02-03,0,90.0,"
        "\"[{'english_name': 'English', 'iso_639_1': 'en', 'name': 'English'}, {'iso_639_1': 'fr', 'name': 'Français'}]\","
        "Released,,Fog,False,6.5,0,\n"
    )
    second = "True,,,0,[],,8,tt0000008,en,Mist,,1,,[],[],,0,0.0,[],Released,,Mist,True,6.5,4,PG\n"
    read, (fog, mist) = made(read_tmdb_jirving, {"final_tmdb_data_2001.csv": TMDB + first + second})
    assert fog["genres"] == ["Drama", "Kids' TV"]
    assert fog["plots"] == [{"text": "Fog comes.  Twice", "language": "en"}]
    assert fog["languages"] == ["fr", "en"]
    assert fog["countries"] == ["France"]
    assert (fog["tmdb_id"], fog["imdb_id"], fog["year"], fog["runtime_minutes"], fog["kind"]) == (7, "tt0000007", 2001, 90, "movie")
    assert "tmdb_rating" not in fog
    assert (mist["is_adult"], mist["kind"], mist["tmdb_rating"]) == (True, "video", 6.5)
    assert not {"genres", "countries", "year", "runtime_minutes", "plots"} & set(mist)
    assert (read.counts[0].read, read.counts[0].accepted) == (2, 2)


def test_imdb_basics_2000_2024(made: Made) -> None:
    _, (fog,) = made(
        read_imdb_basics_2000_2024,
        {
            "title_basics_cleaned.csv": "tconst,titleType,primaryTitle,originalTitle,isAdult,startYear,runtimeMinutes,genres\n"
            'tt0000001,movie,Fog,Brume,0,2001.0,35,"Drama,War"\n',
            "title_crew.csv": 'tconst,directors,writers\ntt0000001,"nm0000002,nm0000001",\\N\n',
            "title_ratings_cleaned.csv": "tconst,averageRating,numVotes\ntt0000001,6.4,120\n",
        },
    )
    assert (fog["kind"], fog["year"], fog["imdb_rating"], fog["imdb_vote_count"]) == ("movie", 2001, 6.4, 120)
    assert people(fog) == [("director", 1, None, "nm0000002"), ("director", 2, None, "nm0000001")]


def test_imdb_basics_2010_2019(made: Made) -> None:
    read, (fog, mist) = made(
        read_imdb_basics_2010_2019,
        {
            "imdb.title.basics.csv": ",tconst,primary_title,original_title,start_year,runtime_minutes,genres\n"
            "0,tt0000001,Fog,Brume,2013,175.0,Drama\n1,tt0000002,Mist,,2115,51420.0,\n",
            "imdb.title.crew.csv": '"tconst","directors","writers"\n"tt0000002",,"nm0000001"\n"tt0000009","nm0000001",\n',
            "imdb.title.ratings.csv": '"tconst","averagerating","numvotes"\n"tt0000001","8.3000","31"\n',
        },
    )
    assert (fog["runtime_minutes"], fog["kind"], fog["imdb_rating"]) == (175, "movie", 8.3)
    assert not {"year", "runtime_minutes", "kind", "genres"} & set(mist)
    assert people(mist) == [("writer", 1, None, "nm0000001")]
    assert reasons(read) == [("imdb.title.crew.csv", 2, "orphan")]


def test_tmdb_flatiron(made: Made) -> None:
    read, (fog,) = made(
        read_tmdb_flatiron,
        {
            "tmdb.movies.csv": ",genre_ids,id,original_language,original_title,popularity,release_date,title,vote_average,vote_count\n"
            '0,"[18, 878, 4]",5,en,Fog,1,2010-11-19,Fog,7.7,10\n1,[],5,en,Fog,1,2010-11-19,Fog,7.7,10\n'
        },
    )
    assert fog["genres"] == ["Drama", "Science Fiction", "4"]
    assert reasons(read) == [("tmdb.movies.csv", 2, "duplicate_id")]


def test_imdb_raedaddala(made: Made) -> None:
    head = (
        "Title,Year,Duration,MPA,Rating,Votes,méta_score,description,Movie Link,writers,directors,stars,budget,opening_weekend_Gross,"
        "grossWorldWWide,gross_US_Canada,release_date,countries_origin,filming_locations,production_company,awards_content,genres,Languages\n"
    )
    row = (
        "12. Fog,1950,1h 28m,G,7.3,1.2M,85.0,\"It comes, slowly.\",https://www.imdb.com/title/tt0000001/?ref_=x,['Ann'],"
        "\"[\"\"Bo O'Elm\"\", 'Cy']\",['Di'],,,,,,['France'],,,,\"['Hand-Drawn Animation', 'Drama']\",\"['None', 'French']\"\n"
    )
    _, (fog,) = made(read_imdb_raedaddala, {"1950/merged_movies_data_1950.csv": head + row})
    assert (fog["title"], fog["runtime_minutes"], fog["imdb_vote_count"], fog["record_id"]) == ("Fog", 88, 1_200_000, "tt0000001")
    assert (fog["genres"], fog["languages"]) == (["Hand-Drawn Animation", "Drama"], ["None", "French"])
    assert people(fog) == [
        ("director", 1, "Bo O'Elm", None),
        ("director", 2, "Cy", None),
        ("writer", 1, "Ann", None),
        ("actor", 1, "Di", None),
    ]


def test_imdb_india(made: Made) -> None:
    text = (
        "Name,Year,Duration,Genre,Rating,Votes,Director,Actor 1,Actor 2,Actor 3\r\n"
        ' ,,,Drama,,,Ann,Bo,Cy,Di\r\nCafé of Fog,-2019,109 min,"Drama, War",7,"6,466",Ann,Bo,,Di\r\nMist,-2020,,,,$5.16M,,,,\r\n'
    )
    read, records = made(read_imdb_india, {"IMDb Movies India.csv": text.encode("cp1252")})
    fog = next(record for record in records if record["title"] == "Café of Fog")
    mist = next(record for record in records if record["title"] == "Mist")
    assert (fog["year"], fog["runtime_minutes"], fog["imdb_vote_count"]) == (2019, 109, 6466)
    assert people(fog) == [("director", 1, "Ann", None), ("actor", 1, "Bo", None), ("actor", 2, "Di", None)]
    assert "imdb_vote_count" not in mist
    assert reasons(read) == [("IMDb Movies India.csv", 1, "missing_title")]


@pytest.mark.parametrize(
    ("reader", "movies"),
    [
        (
            read_movielens_25m,
            "1,Fog;The (a.k.a. Mist) (1994),Drama|War\n2,6,000 Fogs (1939),Drama\n3,Red Fog,(no genres listed)\n",
        ),
        (
            read_movielens_official,
            '1,"Fog, The (a.k.a. Mist) (1994)",Drama|War\n2,"6,000 Fogs (1939)",Drama\n3,Red Fog,(no genres listed)\n',
        ),
    ],
)
def test_movielens(made: Made, reader: Callable[[Path, Path], Read], movies: str) -> None:
    links = "movieId,imdbId,tmdbId\n1,0012345,862\n2,0000002,\n9,0000009,9\n"
    read, (fog, fogs, red) = made(reader, {"ml/movies.csv": "movieId,title,genres\n" + movies, "ml/links.csv": links})
    assert (fog["title"], fog["year"], fog["genres"], fog["imdb_id"]) == ("The Fog", 1994, ["Drama", "War"], "tt0012345")
    assert [other["title"] for other in fog["alternative_titles"]] == ["Mist"]
    assert (fogs["title"], fogs["year"], fogs["imdb_id"]) == ("6,000 Fogs", 1939, "tt0000002")
    assert "tmdb_id" not in fogs
    assert not {"year", "genres", "imdb_id"} & set(red)
    assert reasons(read) == [("links.csv", 3, "orphan")]


def test_svod(made: Made) -> None:
    text = (
        "show_id,type,title,director,cast, country,date_added,release_year,rating,duration,genre,description\r\n"
        's1,Movie,Fog,1,"Ann, Bo",France,30-Mar-21,2014,,113 min,"Comedy, Drama",Fog comes.\r\n'
        's2,TV Show,Mist,,,,,2020,,1 Season,Docs,Mist.\r\n,,,,,,,,,,"Dramas, Music",\r\n'
    )
    read, (fog,) = made(read_svod_amazon, {"amazon_prime_titles.csv": text})
    assert people(fog) == [("actor", 1, "Ann", None), ("actor", 2, "Bo", None)]
    assert (fog["countries"], fog["runtime_minutes"], fog["source"]) == (["France"], 113, "svod_amazon")
    assert reasons(read) == [("amazon_prime_titles.csv", 2, "out_of_scope"), ("amazon_prime_titles.csv", 3, "not_a_record")]
    assert made(read_svod_netflix, {"netflixData.csv": text})[1][0]["source"] == "svod_netflix"


def test_timdb_bollywood(made: Made) -> None:
    files: Files = {
        "1990-2009/bollywood_meta.csv": "imdb_id,title,original_title,is_adult,year_of_release,runtime,genres\n"
        "tt0000001,Fog,Kohra,0,1990,\\N,Drama|War\ntt0000002,Mist,Mist,0,1991,90,\\N\n",
        "1990-2009/bollywood_text.csv": "imdb_id,story,summary,tagline,actors,wins_nominations,release_date\n"
        'tt0000001,He said "fog  and more  and left.,Add a Plot\u00a0»,,Ann|Bo|,,\ntt0000002,,Add a Plot\u00a0»,,,,\n',
        "1990-2009/bollywood_ratings.csv": "imdb_id,imdb_rating,imdb_votes\ntt0000001,8.4,31\ntt0000009,1.0,1\n",
        "1990-2009/bollywood.csv": "title,imdb_id,poster_path,wiki_link\n"
        'Fog,tt0000001,,"https://en.wikipedia.org/wiki/Fog,_Bo_(film)"\nHaze,,,https://en.wikipedia.org/wiki/Haze\n',
        "1950-2019/bollywood_crew.csv": "imdb_id,directors,writers\ntt0000001,nm0000001|nm0000002,\\N\n",
        "1950-2019/bollywood_crew_data.csv": "crew_id,name,born_year,death_year,profession,known_for\nnm0000001,Cy,\\N,\\N,director,\n",
        "1950-2019/bollywood_writers_data.csv": "crew_id,name,born_year,death_year,profession,known_for\n",
    }
    read, (fog, mist) = made(read_timdb_bollywood, files)
    assert fog["plots"] == [{"text": 'He said "fog, and more, and left.', "language": "en"}]
    assert people(fog) == [
        ("actor", 1, "Ann", None), ("actor", 2, "Bo", None), ("director", 1, "Cy", "nm0000001"), ("director", 2, None, "nm0000002"),
    ]  # fmt: skip
    assert fog["wikipedia_page"] == "Fog,_Bo_(film)"
    assert not {"plots", "people", "genres"} & set(mist)
    assert reasons(read) == [("bollywood.csv", 2, "missing_id"), ("bollywood_ratings.csv", 2, "orphan")]


def test_ggplot2movies(made: Made) -> None:
    text = (
        "title,year,length,budget,rating,votes,mpaa,Action,Animation,Comedy,Drama,Documentary,Romance,Short\n"
        '"Fog, The",1971,121,,6.4,348,,0,0,1,1,0,0,0\nMist,1972,45,,5.0,3,,0,0,0,0,0,0,1\n'
    )
    _, records = made(read_imdb_ggplot2movies, {"movies.csv": text})
    by_title = {record["title"]: record for record in records}
    assert by_title["The Fog"]["genres"] == ["Comedy", "Drama"]
    assert (by_title["The Fog"]["kind"], by_title["Mist"]["kind"]) == ("movie", "short")


def test_ggplot2movies_from_the_r_binary(tmp_path: Path) -> None:
    pandas, rdata = pytest.importorskip("pandas"), pytest.importorskip("rdata")
    genres = {genre: [0] for genre in GENRES}
    frame = pandas.DataFrame({"title": ["Fog, The"], "year": [1971], "length": [121], "rating": [6.4], "votes": [348], **genres})
    rdata.write_rda(tmp_path / "movies.rda", {"movies": frame})
    (tmp_path / "scratch").mkdir()
    read = read_imdb_ggplot2movies(tmp_path / "movies.rda", tmp_path / "scratch")
    assert read.tables[MOVIE_RECORDS.name]["title"].to_pylist() == ["The Fog"]
    (tmp_path / "broken.rda").write_bytes(b"<html>")
    with pytest.raises(SourceError, match=r"broken\.rda"):
        read_imdb_ggplot2movies(tmp_path / "broken.rda", tmp_path / "scratch")


OMDB: Files = {
    "all_movies.csv": '"id","name","parent_id","date"\n"1","Le \\"brouillard\\"",\\N,"1988-10-21"\n"2","Dunst",\\N,\\N\n',
    "movie_details.csv": '"movie_id","runtime","budget","revenue","homepage"\n"1","69","0","0",""\n"2","0","0","0",""\n',
    "all_movie_aliases_iso.csv": '"movie_id","name","language_iso_639_1","official_translation"\n'
    '"1","The Fog","en","1"\n"1","Nebel","xx","0"\n',
    "movie_links.csv": '"source","key","movie_id","language_iso_639_1"\n"imdbmovie","tt0000001","1","xx"\n"wikidata","Q7","1","xx"\n'
    '"wikipedia","The_Fog_(film)","1","en"\n"wikipedia","Nebel_(Film)","1","de"\n"imdbepisode","tt0000005","5","xx"\n',
    "movie_categories.csv": '"movie_id","category_id"\n"1","11"\n"1","12"\n',
    "movie_keywords.csv": '"movie_id","category_id"\n"1","21"\n"1","22"\n',
    "movie_countries.csv": '"movie_id","country_code"\n"1","FR"\n"1","BE"\n',
    "movie_languages.csv": '"movie_id","language_iso_639_1"\n"1","fr"\n"1","xx"\n',
    "all_categories.csv": '"id","parent_id","root_id"\n"1",\\N,"1"\n"11","1","1"\n"2",\\N,"2"\n"12","2","2"\n"21","2","2"\n"22","2","2"\n',
    "category_names.csv": '"category_id","name","language_iso_639_1"\n"1","Genre","en"\n"1","Gattung","de"\n"2","Keyword","en"\n'
    '"11","Drama","en"\n"11","Schauspiel","de"\n"12","Sea","en"\n"21","Meer","de"\n"22","Sea","en"\n',
    "movie_abstracts_de.csv": '"movie_id","abstract"\n"1","Nebel \\"kommt\\"."\n"2",""\n"7","Waise."\n',
    "movie_abstracts_en.csv": '"movie_id","abstract"\n"1","Fog comes."\n',
}


def test_omdb_org(made: Made) -> None:
    read, (fog, haze) = made(read_omdb_org, OMDB)
    assert (fog["title"], fog["year"], fog["runtime_minutes"], fog["omdb_org_id"]) == ('Le "brouillard"', 1988, 69, 1)
    assert (fog["imdb_id"], fog["wikidata_id"], fog["wikipedia_page"]) == ("tt0000001", "Q7", "The_Fog_(film)")
    assert (fog["genres"], fog["keywords"], fog["countries"], fog["languages"]) == (["Drama"], ["Meer", "Sea"], ["FR", "BE"], ["fr"])
    assert [(t["title"], t["language"]) for t in fog["alternative_titles"]] == [("The Fog", "en"), ("Nebel", None)]
    assert [(p["text"], p["language"]) for p in fog["plots"]] == [('Nebel "kommt".', "de"), ("Fog comes.", "en")]
    assert not {"year", "runtime_minutes", "plots"} & set(haze)
    assert reasons(read) == [("movie_abstracts_de.csv", 3, "orphan"), ("movie_links.csv", 5, "orphan")]


def test_omdb_official_is_compressed_and_has_casts(made: Made, tmp_path: Path) -> None:
    more: Files = {
        "all_casts.csv": '"movie_id","person_id","job_id","role","position"\n"1","8","15","The Keeper","2"\n'
        '"1","9","15","","1"\n"1","8","21","","1"\n',
        "all_people.csv": '"id","name","birthday"\n"8","Ann",\\N\n"9","Bo",\\N\n',
    }
    packed = {f"{name}.bz2": bz2.compress(str(text).encode()) for name, text in (OMDB | more).items()}
    read, (fog, _) = made(lambda folder, scratch: read_omdb_official(folder / "all_casts.csv.bz2", scratch), packed)
    assert people(fog) == [("actor", 1, "Bo", None), ("actor", 2, "Ann", None), ("director", 1, "Ann", None)]
    assert [p["character"] for p in fog["people"]] == [None, "The Keeper", None]
    assert fog["source"] == "omdb_official"
    assert {Path(count.file).suffix for count in read.counts} == {".bz2"}


def test_imdb_official(made: Made) -> None:
    files: Files = {
        "title.basics.tsv": "tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres\n"
        'tt0000001\tmovie\tThe "Fog\tBrume\t0\t1999\t\\N\t90\tDrama,War\ntt0000002\ttvEpisode\tE\tE\t0\t1999\t\\N\t\\N\t\\N\n'
        "tt0000003\ttvMovie\tMist\tMist\t1\t\\N\t\\N\t\\N\t\\N\n",
        "title.ratings.tsv": "tconst\taverageRating\tnumVotes\ntt0000001\t7.1\t10\ntt0000002\t7.1\t10\n",
        "title.crew.tsv": "tconst\tdirectors\twriters\ntt0000001\tnm0000002,nm0000001\t\\N\ntt0000009\tnm0000001\t\\N\n",
        "title.principals.tsv": "tconst\tordering\tnconst\tcategory\tjob\tcharacters\n"
        'tt0000001\t2\tnm0000001\tactress\t\\N\t["The Keeper","Bo"]\ntt0000001\t1\tnm0000003\tactor\t\\N\t\\N\n'
        "tt0000001\t3\tnm0000002\tproducer\t\\N\t\\N\n",
        "title.akas.tsv": "titleId\tordering\ttitle\tregion\tlanguage\ttypes\tattributes\tisOriginalTitle\n"
        "tt0000001\t1\tNebel\tDE\t\\N\timdbDisplay\t\\N\t0\ntt0000001\t2\tBrume\t\\N\t\\N\toriginal\t\\N\t1\n",
        "name.basics.tsv": "nconst\tprimaryName\tbirthYear\nnm0000001\tAnn\t\\N\nnm0000002\tBo\t\\N\n",
    }
    read, (fog, mist) = made(read_imdb_official, files)
    assert people(fog) == [
        ("director", 1, "Bo", "nm0000002"), ("director", 2, "Ann", "nm0000001"),
        ("actor", 1, None, "nm0000003"), ("actor", 2, "Ann", "nm0000001"),
    ]  # fmt: skip
    assert fog["people"][3]["character"] == "The Keeper"
    assert (fog["title"], fog["alternative_titles"]) == ('The "Fog', [{"title": "Nebel", "language": None, "region": "DE"}])
    assert (mist["kind"], mist["is_adult"]) == ("tv_movie", True)
    assert reasons(read) == [
        ("title.basics.tsv", 2, "out_of_scope"), ("title.crew.tsv", 2, "orphan"), ("title.ratings.tsv", 2, "out_of_scope"),
    ]  # fmt: skip


def test_imdb_official_needs_only_the_titles(made: Made) -> None:
    text = "tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres\n"
    _, records = made(read_imdb_official, {"title.basics.tsv": text + "tt0000001\tshort\tFog\tFog\t0\t1999\t\\N\t9\tShort\n"})
    assert [(record["title"], record["kind"]) for record in records] == [("Fog", "short")]

"""Profile `official` without a mirror: every file is fetched from its address (here a host on the loopback), pinned, read and merged."""

import bz2
import gzip
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from assets_defs import raw
from assets_defs.build import build
from assets_defs.graph import STEPS
from assets_defs.profile import PROFILES, load_profile
from assets_defs.step import Job
from assets_defs.workspace import Workspace
from corpus_pipeline import store
from corpus_pipeline.errors import FetchError, PinError
from corpus_pipeline.schema import tables as t
from corpus_pipeline.sources import registry
from corpus_pipeline.sources.registry import Source, SourceFile


def table(*rows: str) -> bytes:
    """TSV whose cells are written with blanks around a bar between them."""
    return "".join("\t".join(cell.strip() for cell in row.split("|")) + "\n" for row in rows).encode()


def zipped(**members: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in members.items():
            archive.writestr(".".join(name.replace("__", "/").rsplit("_", 1)), text)
    return packed.getvalue()


IMDB = {
    "title.basics": table(
        "tconst | titleType | primaryTitle | originalTitle | isAdult | startYear | endYear | runtimeMinutes | genres",
        r"tt0000004 | tvEpisode | The Lamp | The Lamp | 0 | 1970 | \N | 25 | Drama",
        r"tt0000001 | movie | The Copper Lighthouse | Kobberfyret | 0 | 1962 | \N | 95 | Drama",
        r"tt0000003 | short | Oars | Oars | 0 | 1950 | \N | 9 | Short",
        r"tt0000002 | movie | Paper Boats | Paper Boats | 0 | 1999 | \N | 101 | Comedy",
        r"tt0000005 | video | Plum | Plum | 0 | 2011 | \N | 70 | Drama",
        r"tt0000006 | movie | \N | \N | 0 | 1971 | \N | 70 | Drama",
        r"tt0000007 | tvEpisode | The Rope | The Rope | 0 | 1970 | \N | 25 | Drama",
    ),
    "title.ratings": table(
        "tconst | averageRating | numVotes",
        "tt0000001 | 7.1 | 900", "tt0000004 | 7.9 | 20", "tt0000005 | 6.0 | 12", "tt0000099 | 6.0 | 12",
    ),
    "title.crew": table(
        "tconst | directors | writers", r"tt0000001 | nm0000001 | nm0000001,nm0000002", r"tt0000007 | nm0000003 | \N",
    ),
    "title.akas": table(
        "titleId | ordering | title | region | language | types | attributes | isOriginalTitle",
        r"tt0000001 | 1 | Der Kupferturm | DE | \N | imdbDisplay | \N | 0", r"tt0000001 | 2 | Der Kupferturm | AT | \N | \N | \N | 0",
        r"tt0000007 | 1 | Das Seil | DE | \N | imdbDisplay | \N | 0",
    ),
    "name.basics": table(
        "nconst | primaryName | birthYear", r"nm0000001 | Eva Stone | \N", r"nm0000002 | Bo Reed | \N", r"nm0000003 | Nobody Here | \N",
    ),
}  # fmt: skip
OMDB = {
    "all_movies": 'id,name,parent_id,date\n"1","Kobberfyret",\\N,"1962-03-01"\n',
    "movie_details": 'movie_id,runtime,budget,revenue,homepage\n"1","95","0","0",""\n',
    "all_movie_aliases_iso": 'movie_id,name,language_iso_639_1,official_translation\n"1","The Copper Lighthouse","en","1"\n',
    "movie_links": 'source,key,movie_id,language_iso_639_1\n"imdbmovie","tt0000001","1","xx"\n',
    "movie_categories": "movie_id,category_id\n", "movie_keywords": "movie_id,category_id\n",
    "movie_countries": 'movie_id,country_code\n"1","DK"\n', "movie_languages": 'movie_id,language_iso_639_1\n"1","da"\n',
    "all_categories": 'id,parent_id,root_id\n"1",\\N,"1"\n', "category_names": 'category_id,name,language_iso_639_1\n"1","Genre","en"\n',
    "movie_abstracts_de": "movie_id,abstract\n", "movie_abstracts_es": "movie_id,abstract\n", "movie_abstracts_fr": "movie_id,abstract\n",
    "movie_abstracts_en": 'movie_id,abstract\n"1","A keeper lights the lamp for a ship that sank a year ago."\n',
    "all_casts": 'movie_id,person_id,job_id,role,position\n"1","8","15","The Keeper","1"\n', "all_people": 'id,name\n"8","Ann Marsh"\n',
}  # fmt: skip
WIKIPEDIA = [
    {"title": "The Copper Lighthouse", "year": 1962, "cast": ["Ann Marsh"], "genres": ["Drama"], "href": "The_Copper_Lighthouse",
     "extract": "The Copper Lighthouse is a drama film about a keeper."}
]  # fmt: skip
BOATS = "http://dbpedia.org/resource/Paper_Boats"
TSV_HEAD = "dialog_id | utt_id | speaker | turn_id | text | movies | fine_label | coarse_label"


def inspired(dialogue: str) -> bytes:
    return table(
        TSV_HEAD, f"{dialogue} | 0 | SEEKER | 0 | Something light? | | |  ",
        f"{dialogue} | 1 | RECOMMENDER | 1 | Try Paper Boats | Paper Boats (1999) | accept_rating_good | accept_new",
    )  # fmt: skip


def conversation(number: int) -> str:
    messages = [(10, "Hi, I liked @102"), (20, "Then see @101")]
    record = {
        "conversationId": str(number), "initiatorWorkerId": 10, "respondentWorkerId": 20,
        "movieMentions": {"101": "Paper Boats  (1999)", "102": "The Copper Lighthouse (1962)"},
        "initiatorQuestions": {"101": {"suggested": 1, "seen": 0, "liked": 1}}, "respondentQuestions": {},
        "messages": [
            {"messageId": 100 * number + i, "timeOffset": i, "senderWorkerId": who, "text": text} for i, (who, text) in enumerate(messages)
        ],
    }  # fmt: skip
    return json.dumps(record) + "\n"


def point(dialogue: str, turn: str) -> bytes:
    return json.dumps({"dialog_id": f"test_{dialogue}", "turn_id": f"test_{turn}", "rec": [7], "prev_entity": []}).encode()


def contents() -> dict[str, bytes]:
    """Every file of the profile by its registered name, made up."""
    entities = json.dumps({f"<{BOATS}>": 7}).encode()
    found = {f"imdb/{name}.tsv.gz": gzip.compress(content) for name, content in IMDB.items()}
    found |= {f"omdb/{name}.csv.bz2": bz2.compress(text.encode()) for name, text in OMDB.items()}
    found |= {f"wikipedia/movies-{decade}s.json": b"[]" for decade in range(1900, 2030, 10)}
    found["wikipedia/movies-1960s.json"] = json.dumps(WIKIPEDIA).encode()
    found["movielens/ml-32m.zip"] = zipped(
        **{
            "ml-32m__movies_csv": 'movieId,title,genres\n1,"Copper Lighthouse, The (1962)",Drama\n2,Paper Boats (1999),Comedy\n',
            "ml-32m__links_csv": "movieId,imdbId,tmdbId\n1,0000001,77\n2,0000002,78\n",
            "ml-32m__ratings_csv": "userId,movieId,rating,timestamp\n1,1,4.0,1\n",
        }
    )
    found["movielens/ml-1m.zip"] = zipped(
        **{
            "ml-1m__movies_dat": "1::Copper Lighthouse, The (1962)::Drama\n2::Paper Boats (1999)::Comedy\n",
            "ml-1m__users_dat": "1::F::25::2::55455\n",
            "ml-1m__ratings_dat": "1::1::5::978300760\n1::2::3::978300700\n",
        }
    )
    found["dialogues/redial/redial_dataset.zip"] = zipped(
        train_data_jsonl=conversation(1) + conversation(2), test_data_jsonl=conversation(20001),
        movies_with_mentions_csv="movieId,movieName,nbMentions\n101,Paper Boats  (1999),3\n102,The Copper Lighthouse (1962),3\n",
    )  # fmt: skip
    found |= {f"dialogues/inspired/{split}.tsv": inspired(split) for split in ("train", "dev", "test")}
    for dataset, answer in (("inspired", point("0", "1")), ("redial", point("20001", "2000101"))):
        found |= {f"dialogues/he2023/data/{dataset}/test.jsonl": answer, f"dialogues/he2023/data/{dataset}/entity2id.json": entities}
    return found


@dataclass
class Host:
    """What a server gives and what it was asked for."""

    url: str
    files: dict[str, bytes]
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def host() -> Iterator[Host]:
    found = Host("", contents())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.lstrip("/")
            found.asked.append(name)
            body = found.files.get(name)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        found.url = f"http://127.0.0.1:{server.server_port}"
        yield found
        server.shutdown()
        thread.join(5)


def moved(source: Source, host: Host) -> Source:
    """The source with its addresses on `host`, and the hashes of what lies there where the registry knows one."""

    def there(file: SourceFile) -> SourceFile:
        known = hashlib.sha256(host.files[file.name]).hexdigest() if file.sha256 and file.name in host.files else file.sha256
        return replace(file, sha256=known, urls=tuple(f"{host.url}/{file.name}" for _ in file.urls))

    return replace(source, files=tuple(map(there, source.files)), official=tuple(map(there, source.official)))


@pytest.fixture
def space(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty workspace of profile `official`, without a mirror, whose sources all have their address on the loopback."""
    monkeypatch.setenv("MARQUEE_HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(registry, "SOURCES", tuple(moved(source, host) for source in registry.SOURCES))
    return Workspace(tmp_path / "official", load_profile(PROFILES / "official.yaml"), None)


def test_the_official_files_become_a_corpus(space: Workspace, host: Host) -> None:
    told: list[tuple[str, int, int]] = []
    build(space, lambda *step: told.append(step), until="core")
    assert sorted(host.asked) == sorted(host.files)
    _are_shown_and_pinned(space, host, told)
    _are_merged(space)
    _add_up(space)
    _have_their_points(space)
    _are_liked(space)
    again = build(space, lambda *step: None, until="core")
    assert not again.ran and len(host.asked) == len(host.files)


def _are_shown_and_pinned(space: Workspace, host: Host, told: list[tuple[str, int, int]]) -> None:
    for name, content in host.files.items():
        assert (name, len(content), len(content)) in told
        assert next(space.downloads.glob(f"*/{name}")).read_bytes() == content
    pins = json.loads(space.pins.read_text())
    hashed = {file.name for key in ("inspired", "redial") for file in registry.source_named(key).official if file.sha256}
    assert set(pins) == {f"{host.url}/{name}" for name in host.files if name not in hashed}
    assert pins[f"{host.url}/movielens/ml-32m.zip"]["sha256"] == hashlib.sha256(host.files["movielens/ml-32m.zip"]).hexdigest()


def _are_merged(space: Workspace) -> None:
    films = {film["title"]: film for film in store.read_table(space.table(t.MOVIES), t.MOVIES).to_pylist()}
    assert set(films) == {"The Copper Lighthouse", "Paper Boats", "Plum"}
    assert films["The Copper Lighthouse"]["sources"] == ["imdb_official", "movielens_official", "omdb_official", "wikipedia_prust"]
    assert films["Paper Boats"]["sources"] == ["imdb_official", "movielens_official"]
    assert films["The Copper Lighthouse"]["plot"]
    titles = store.read_table(space.table(t.TITLES), t.TITLES)["title"].to_pylist()
    assert titles.count("Der Kupferturm") == 1 and "Das Seil" not in titles
    people = {person["name"] for person in store.read_table(space.table(t.PEOPLE), t.PEOPLE).to_pylist()}
    assert people == {"Eva Stone", "Bo Reed", "Ann Marsh"}


def _add_up(space: Workspace) -> None:
    """Accepted + quarantined = read, with what is out of scope told by number there and one by one beside."""
    rejected = store.read_table(space.table(t.MOVIES_REJECTED), t.MOVIES_REJECTED).to_pylist()
    of_imdb = {(r["file"], r["line"], r["reason"], r["record_count"]) for r in rejected if r["source"] == "imdb_official"}
    assert of_imdb == {
        ("title.akas.tsv.gz", 3, "out_of_scope", 1), ("title.basics.tsv.gz", 1, "out_of_scope", 3),
        ("title.basics.tsv.gz", 6, "missing_title", 1), ("title.crew.tsv.gz", 2, "out_of_scope", 1),
        ("title.ratings.tsv.gz", 2, "out_of_scope", 1), ("title.ratings.tsv.gz", 4, "orphan", 1),
    }  # fmt: skip
    told = pq.read_table(space.table(t.REJECTS, "imdb_official").with_suffix(".told.parquet")).to_pylist()
    assert [row["line"] for row in told if row["file"] == "title.basics.tsv.gz"] == [1, 3, 7]
    record = space.ledger.get("core_movie_records@imdb_official")
    assert record is not None and any(name.endswith("told.parquet") for name in record.outputs)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in record.metadata["accounting"].splitlines() if ".tsv.gz" in line]
    assert {name: tuple(map(int, counts)) for name, *counts in rows} == {
        "name.basics.tsv.gz": (3, 3, 0), "title.akas.tsv.gz": (3, 2, 1), "title.basics.tsv.gz": (7, 3, 4),
        "title.crew.tsv.gz": (2, 1, 1), "title.ratings.tsv.gz": (4, 2, 2),
    }  # fmt: skip


def _have_their_points(space: Workspace) -> None:
    dialogues = store.read_table(space.table(t.DIALOGUES), t.DIALOGUES).to_pylist()
    assert sorted((d["dataset"], d["split"] == "test") for d in dialogues) == [
        ("inspired", False), ("inspired", False), ("inspired", True), ("redial", False), ("redial", False), ("redial", True),
    ]  # fmt: skip
    targets = store.read_table(space.table(t.RECOMMENDATION_TARGETS), t.RECOMMENDATION_TARGETS).to_pylist()
    assert {(row["dataset"], row["target_name"]) for row in targets if row["target_name"] == "Paper Boats"} == {
        ("inspired", "Paper Boats"), ("redial", "Paper Boats"),
    }  # fmt: skip


def _are_liked(space: Workspace) -> None:
    """In the order of time, and films of the corpus through the crosswalk."""
    rows = store.read_table(space.table(t.INTERACTIONS), t.INTERACTIONS).to_pylist()
    assert [(row["item_id"], row["is_liked"]) for row in rows] == [("2", False), ("1", True)]
    movies = {row["title"]: row["movie_id"] for row in store.read_table(space.table(t.MOVIES), t.MOVIES).to_pylist()}
    items = store.read_table(space.table(t.INTERACTION_ITEMS), t.INTERACTION_ITEMS).to_pylist()
    assert [item["movie_id"] for item in items] == [movies["The Copper Lighthouse"], movies["Paper Boats"]]


def test_a_changed_file_is_refused_and_what_was_built_stays(space: Workspace, host: Host) -> None:
    build(space, lambda *step: None, until="raw")
    place, name = space.downloads / "wikipedia_prust", "wikipedia/movies-1960s.json"
    (place / name).unlink()
    host.files[name] = b'[{"title": "Another Film"}]'
    before = space.ledger.get("raw_movies@wikipedia_prust")
    with pytest.raises(PinError, match="pinned on"):
        build(space, lambda *step: None, until="raw")
    assert space.ledger.get("raw_movies@wikipedia_prust") == before
    there = {f"wikipedia/{path.name}" for path in (place / "wikipedia").iterdir()}
    assert there == {file.name for file in registry.source_named("wikipedia_prust").official} - {name}


def test_a_file_that_is_gone_stops_the_build_with_its_address(space: Workspace, host: Host) -> None:
    del host.files["imdb/title.akas.tsv.gz"]
    with pytest.raises(FetchError, match=r"imdb/title\.akas\.tsv\.gz: it answers with status 404"):
        build(space, lambda *step: None, until="raw")
    assert len(host.asked) == 4 and not list(space.root.glob("tables/*"))


def test_pins_made_at_the_same_time_are_all_kept(space: Workspace, host: Host, tmp_path: Path) -> None:
    job = Job(STEPS["raw_movies"], space, (), {}, lambda *step: None, lambda text: None)
    files = [tmp_path / f"{number}.csv" for number in range(12)]
    for file in files:
        file.write_text(file.name)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda file: raw._pin(job, SourceFile(file.name, urls=(f"{host.url}/{file.name}",)), file), files))
    assert set(json.loads(space.pins.read_text())) == {f"{host.url}/{file.name}" for file in files}

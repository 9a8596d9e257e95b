"""IMDb's official files -> records and quarantine, streamed as the reader does it and loaded whole: seconds and peak memory.

Run: `python tests/bench/imdb_official.py [titles, by default 1,000,000]`. Prints one JSON document. The files are made up: of the titles
one in ten is a film; each has a crew, four titles of markets and one and a fifth people, and one in eight a rating.
"""

import json
import sys
import tempfile
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parent))
from resources import measured

TITLES = """
SELECT 'tt' || lpad(i::VARCHAR, 7, '0') AS tconst, CASE WHEN i % 10 = 0 THEN 'movie' ELSE 'tvEpisode' END AS titleType,
    'The ' || hash(i) || ' of ' || hash(-i) AS primaryTitle, 'Le ' || hash(i) || ' de ' || hash(-i) AS originalTitle, 0 AS isAdult,
    1950 + i % 70 AS startYear, NULL AS endYear, 20 + i % 120 AS runtimeMinutes, 'Drama,War' AS genres
FROM range(1, $titles + 1) t(i)
"""
NAME = "'nm' || lpad((hash({}) % ($titles * 6 // 5))::VARCHAR, 7, '0')"
FILES = {
    "title.basics": TITLES,
    "title.ratings": "SELECT 'tt' || lpad((i * 8)::VARCHAR, 7, '0') AS tconst, 7.1 AS averageRating, i AS numVotes "
    "FROM range(1, $titles // 8 + 1) t(i)",
    "title.crew": f"SELECT 'tt' || lpad(i::VARCHAR, 7, '0') AS tconst, {NAME.format('i')} AS directors, "
    f"{NAME.format('-i')} || ',' || {NAME.format('i + 1')} AS writers FROM range(1, $titles + 1) t(i)",
    "title.akas": "SELECT 'tt' || lpad(i::VARCHAR, 7, '0') AS titleId, j AS ordering, hash(i + j % 3) || ' in ' || j AS title, "
    "'DE' AS region, NULL AS language, 'imdbDisplay' AS types, NULL AS attributes, 0 AS isOriginalTitle "
    "FROM range(1, $titles + 1) t(i), range(1, 5) u(j)",
    "name.basics": "SELECT 'nm' || lpad(i::VARCHAR, 7, '0') AS nconst, 'Ann ' || hash(i) AS primaryName, 1950 AS birthYear, "
    "NULL AS deathYear, 'actor,director' AS primaryProfession, 'tt0000001,tt0000002' AS knownForTitles "
    "FROM range(0, $titles * 6 // 5) t(i)",
}
READ = """
import sys
from pathlib import Path
from corpus_pipeline.sources.movies_csv.imdb_official import DUMP, read_imdb_official
from corpus_pipeline.sources.reading import reasons
from corpus_pipeline.sources.tabular import read_dump
folder, how = Path(sys.argv[1]), sys.argv[2]
(folder / how).mkdir()
read = read_imdb_official(folder / "imdb", folder / how) if how == "streamed" else read_dump(DUMP, folder / "imdb", folder / how)
print(f"\\n{sum(count.read for count in read.counts):,} read,", reasons(read.rejects))  # after DuckDB's progress bar
"""


def write_files(folder: Path, titles: int) -> None:
    folder.mkdir()
    with duckdb.connect() as con:
        for name, query in FILES.items():
            rows = query.replace("$titles", str(titles))
            target = folder / f"{name}.tsv.gz"
            con.execute(f"COPY ({rows}) TO '{target}' (FORMAT csv, DELIMITER '\t', QUOTE '', HEADER, NULLSTR '\\N', COMPRESSION gzip)")


def main() -> None:
    titles = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    found: dict[str, object] = {"titles": titles}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_files(folder / "imdb", titles)
        for how in ("streamed", "loaded whole"):
            cost = measured([sys.executable, "-c", READ, str(folder), how])
            found[how] = {"seconds": round(cost.seconds, 1), "peak MiB": round(cost.peak_mib), "records": cost.output.splitlines()[-1]}
        found["told one by one, MiB"] = round((folder / "streamed" / "told.parquet").stat().st_size / 2**20, 1)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()

"""A user adds a dump of their own with one declaration, and the corpus, the merge and the gate take it in."""

from pathlib import Path

import pytest

from assets_defs.build import build
from assets_defs.errors import ProfileError
from assets_defs.profile import PROFILES, load_profile
from assets_defs.workspace import Workspace
from corpus_pipeline import release
from corpus_pipeline.schema import tables as t
from tests.pipeline.conftest import silent

DECLARATION = """
source: my_cinema
files: "*.csv"
key: film_no
layout: {delimiter: ";", quote: '"', escape: '"', encoding: utf-8, nulls: [""]}
columns:
  record_id: film_no
  title: Name
  year: {upstream: Released, parser: year}
  imdb_id: {upstream: imdb, parser: imdb_id}
"""
FILMS = "film_no;Name;Released;imdb\n1;Heat;1995;tt0113277\n2;The Copper Lighthouse;2003;\n3;;2001;\n"


@pytest.fixture
def profile_file(tmp_path: Path) -> Path:
    (tmp_path / "my_cinema.yaml").write_text(DECLARATION)
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "catalogue.csv").write_text(FILMS)
    path = tmp_path / "mine.yaml"
    starter = (PROFILES / "starter.yaml").read_text().replace("name: starter", "name: mine\nbaseline: starter")
    path.write_text(starter + "movie_dumps:\n  my_cinema: {declaration: my_cinema.yaml, archive: films}\n")
    return path


def test_own_dump_joins_the_corpus(profile_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARQUEE_HOME", str(tmp_path / "home"))
    space = Workspace(tmp_path / "home" / "mine", load_profile(profile_file), None)
    build(space, silent, until="release")
    found = release.current(space.releases)
    films = {row["title"]: row for row in found.table(t.MOVIES).to_pylist() if "my_cinema" in row["sources"]}
    assert films["Heat"]["sources"] == ["my_cinema", "starter"]
    assert films["The Copper Lighthouse"]["sources"] == ["my_cinema"]
    rejected = found.table(t.MOVIES_REJECTED).to_pylist()
    assert [row["reason"] for row in rejected if row["source"] == "my_cinema"] == ["missing_title"]


def test_problems_of_a_dump_are_told_with_the_profile(profile_file: Path) -> None:
    (profile_file.parent / "my_cinema.yaml").write_text(DECLARATION.replace("source: my_cinema", "source: other"))
    (profile_file.parent / "films" / "catalogue.csv").unlink()
    (profile_file.parent / "films").rmdir()
    with pytest.raises(ProfileError) as caught:
        load_profile(profile_file)
    assert "says source 'other'" in str(caught.value) and "there is no" in str(caught.value)

"""The leak guard: titles in any dress are found, the test split is refused, and which words of a talk are telling."""

import pytest

from modeling.errors import DataError
from modeling.query_expert.facts import FilmFacts
from modeling.query_expert.leak import Taboo, content_words, insist_on_training, leaks

SEQUEL = FilmFacts("m", "Iron Harbour: The Return", 2012, titles=("Eisenhafen 2", "Iron & Sea"))


@pytest.mark.parametrize(
    "text",
    ["IRON HARBOUR - the return", "like eisenhafen 2!", "iron and sea", "iron & sea", "iron sea", "Eisenhafen 2's world", "Eisenhafen 2’s"],
)
def test_a_title_is_found(text: str) -> None:
    assert leaks(text, Taboo.of(SEQUEL))


@pytest.mark.parametrize("text", ["", "iron harbour", "eisenhafen 23", "the return of iron"])
def test_other_words_are_free(text: str) -> None:
    assert not leaks(text, Taboo.of(SEQUEL))


def test_films_of_like_titles_are_near() -> None:
    taboo = Taboo.of(SEQUEL)
    assert taboo.is_near("Iron Harbour") and taboo.is_near("Iron Harbour: Origins") and not taboo.is_near("Harbour Light")
    assert Taboo.of(FilmFacts("m", "Thorn Wood")).is_near("Wood") and not Taboo.of(FilmFacts("m", "???")).is_near("Wood")


def test_the_test_split_is_refused() -> None:
    insist_on_training(["train", "valid", "train"], doing="writing")
    with pytest.raises(DataError, match=r"^writing: rows of split test;"):
        insist_on_training(["train", "test"], doing="writing")
    with pytest.raises(DataError, match="dev"):
        insist_on_training(["dev"], doing="writing")


def test_telling_words() -> None:
    talk = "seeker: zombies!\nrecommender: Have you seen 'Fog'?\nseeker: I didn't like it, I want more ghosts and fog"
    assert content_words(talk, 1) == ["ghosts", "fog"]
    assert content_words(talk, 2) == ["fog", "ghosts"]
    assert content_words("", 3) == []

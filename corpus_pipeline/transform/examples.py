"""The recommendation examples of He et al. 2023: recommender turns that name a movie, with what was said before.

Large Language Models as Zero-Shot Conversational Recommenders, CIKM 2023, section 3 and its published code: the targets
of a turn are the movies it names; a target is new when its *name* was not mentioned earlier ('recommendation'),
otherwise it is repeated ('discussion'). Where the authors publish their test points, `align` takes them over as they
are; everywhere else `examples_by_rule` applies the same rule to our turns.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import pyarrow as pa

from corpus_pipeline.schema import tables
from corpus_pipeline.transform.dialogues import Dialogue, DialogueMovie, Turn, split_title, table_of
from corpus_pipeline.transform.text import name_key

_PARENTHESES = re.compile(r"\([^()]*\)")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Target:
    """A movie to be predicted. `name` is what the protocol compares; names collapse remakes on purpose."""

    source_movie_id: str
    name: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Example:
    """Turn `turn_index` of a dialogue and the movies it names."""

    dialogue_id: str
    turn_index: int
    targets: tuple[Target, ...]

    @property
    def example_id(self) -> str:
        return f"{self.dialogue_id}#{self.turn_index}"


def protocol_name(entity: str) -> str:
    """The name by which He et al. compare an entity: last URI segment, '_', '-', '>' as spaces, no parenthesis.

    'Water' of '<http://dbpedia.org/resource/Water_(1985_film)>'. A slash in a title cuts it, as in their code.
    """
    return title_name(entity.rsplit("/", 1)[-1])


def title_name(title: str) -> str:
    """`protocol_name` of a title that is no URI: a slash stays."""
    spaced = title.replace("_", " ").replace("-", " ").replace(">", " ")
    return _SPACE.sub(" ", _PARENTHESES.sub("", spaced)).strip() or spaced.strip()


def entity_key(entity: str) -> str:
    """Normalised name of an entity or a title, without parentheses, by which targets and mentions are aligned."""
    name = unquote(entity.split("/resource/", 1)[-1].rstrip(">")).replace("_", " ")
    return name_key(_PARENTHESES.sub("", name).strip() or name)


def entity_movie(entity: str) -> DialogueMovie:
    """A data set movie for an entity that no mention can be aligned with; its id is the URI, its year the URI's if any."""
    uri = entity.strip("<>")
    surface, year = split_title(unquote(uri.split("/resource/", 1)[-1]).replace("_", " "))
    return DialogueMovie(uri, _PARENTHESES.sub("", surface).strip() or surface or uri, year)


def align(entities: Sequence[str], turn: Turn, names: Mapping[str, str]) -> list[str | None]:
    """The data set's own id of each entity, out of the movies that `turn` names; None where none of them fits.

    A mention fits when its title has the entity's name, or (DBpedia's linker took a longer name) is part of it:
    'Matrix' of 'Black/Matrix'. Each movie is given out once.
    """
    left = {m.source_movie_id: entity_key(names[m.source_movie_id]) for m in turn.mentions}
    found: list[str | None] = [None] * len(entities)
    for fits in (str.__eq__, _names_within):
        for index in (index for index, movie in enumerate(found) if movie is None):
            key = entity_key(entities[index])
            fitting = [movie for movie, title in left.items() if title and fits(key, title)]
            if fitting:
                found[index] = max(fitting, key=lambda movie: len(left[movie]))
                del left[str(found[index])]
    return found


def _names_within(key: str, title: str) -> bool:
    """Whether whole words of `key` are `title`: 'black matrix' names 'matrix', 'cupid' does not name 'up'."""
    return f" {title} " in f" {key} "


def examples_by_rule(dialogues: Iterable[Dialogue], movies: Iterable[DialogueMovie]) -> list[Example]:
    """Every recommender turn with at least one mention; its targets are the distinct movies in order of mention."""
    names = {movie.source_movie_id: title_name(movie.surface) for movie in movies}
    return [example for dialogue in dialogues for example in _of_dialogue(dialogue, names)]


def _of_dialogue(dialogue: Dialogue, names: Mapping[str, str]) -> list[Example]:
    examples = []
    earlier: set[str] = set()
    for index, turn in enumerate(dialogue.turns):
        ids = list(dict.fromkeys(mention.source_movie_id for mention in turn.mentions))
        if ids and turn.speaker == "recommender":
            targets = tuple(Target(movie, names[movie], names[movie] not in earlier) for movie in ids)
            examples.append(Example(dialogue.dialogue_id, index, targets))
        earlier.update(names[movie] for movie in ids)
    return examples


def context_text(turns: Sequence[Turn]) -> str:
    """The turns before, one per line, 'seeker: ...' or 'recommender: ...'; line breaks inside a turn become spaces."""
    return "\n".join(f"{turn.speaker}: {_SPACE.sub(' ', turn.text).strip()}" for turn in turns)


def example_tables(dialogues: Iterable[Dialogue], examples: Iterable[Example]) -> dict[str, pa.Table]:
    """core_recommendation_turns and core_recommendation_targets, each sorted by its key."""
    by_id = {dialogue.dialogue_id: dialogue for dialogue in dialogues}
    turns, targets = [], []
    for example in examples:
        dialogue = by_id[example.dialogue_id]
        context = context_text(dialogue.turns[: example.turn_index])
        turns.append((example.example_id, dialogue.dialogue_id, example.turn_index, dialogue.dataset, dialogue.split, context))
        targets += [
            (example.example_id, index, dialogue.dataset, target.source_movie_id, target.name, target.is_new)
            for index, target in enumerate(example.targets)
        ]
    return {
        tables.RECOMMENDATION_TURNS.name: table_of(tables.RECOMMENDATION_TURNS, turns),
        tables.RECOMMENDATION_TARGETS.name: table_of(tables.RECOMMENDATION_TARGETS, targets),
    }

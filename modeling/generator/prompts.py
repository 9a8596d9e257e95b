"""The generator's prompt, one for training and use: what is asked, candidates, dialogue, an open 'answer:'. No model is called here.

All that others wrote is a name, a detail or a line of the dialogue, made plain and cut to length; the heads are ours alone.
A prompt that is too long for a model loses its front, so the caps below are there to keep the first candidates.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from modeling.generator.catalogue import Catalogue
from modeling.generator.config import GeneratorConfig
from modeling.generator.heads import ANSWER, CANDIDATES, DIALOGUE, HISTORY, THOUGHT, without_heads
from modeling.prompt_text import dialogue_lines, plain
from modeling.seeding import numpy_generator

PROMPT_VERSION = 1
THOUGHT_CHARACTERS = 160
UNNAMED = "a film"  # for the name of a candidate in the dialogue; shorter than any name it stands for, so no cap is passed

_FROM_LIST = "Pick the film of the list that the seeker will like. Answer with its name as it is listed."
_FROM_MEMORY = "Name a film that the seeker will like."
_THINK = " Think first: say in one line what the seeker likes."
_ANSWER_HEAD = re.compile(r"\n|\banswer\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Turn:
    """A recommender's turn to come: the dialogue before it, and the films named there, earliest first."""

    example_id: str
    context_text: str
    history: tuple[str, ...] = ()

    def without_dialogue(self) -> "Turn":
        """The same turn before anything was said: what a model answers here, it answers whatever the seeker likes."""
        return Turn(self.example_id, "")


def arranged(movie_ids: Sequence[str], example_id: str, *, seed: int, shuffle: int = 0) -> list[str]:
    """The distinct films in an order that depends on seed, example and shuffle alone: no rank and no truth shows in it."""
    ordered = sorted(set(movie_ids))
    places = numpy_generator(seed, f"order of candidates of {example_id}, {shuffle}").permutation(len(ordered))
    return [ordered[place] for place in places]


def prompt(turn: Turn, candidates: Sequence[str], catalogue: Catalogue, config: GeneratorConfig) -> str:
    """The prompt up to and with its open last head, 'answer:' or, with `think`, 'preference:'; candidates in the order given."""
    return "\n".join(
        [
            (_FROM_MEMORY if config.negatives == "none" else _FROM_LIST) + (_THINK if config.think else ""),
            *_candidate_lines(candidates, catalogue, config),
            *_history_lines(turn, catalogue, config),
            DIALOGUE,
            *_said(turn, candidates, catalogue, config).splitlines(),
            THOUGHT if config.think else ANSWER,
        ]
    )


def completion(name: str, thought: str | None = None) -> str:
    """What follows the prompt in training: ' name', or ' thought', a line break, 'answer: name'."""
    return f" {name}" if thought is None else f"{_own_thought(thought)}\n{ANSWER} {name}"


def thought_of(generated: str) -> str:
    """The thought in what a model wrote after 'preference:', without an answer it went on to; model text is untrusted too."""
    return without_heads(plain(_ANSWER_HEAD.split(generated, maxsplit=1)[0], THOUGHT_CHARACTERS))


def after_thought(asked: str, thought: str) -> str:
    """The prompt of the answer, the thought being in: what stood before the name in training."""
    return f"{asked}{_own_thought(thought)}\n{ANSWER}"


def _candidate_lines(candidates: Sequence[str], catalogue: Catalogue, config: GeneratorConfig) -> list[str]:
    if config.negatives == "none" or not candidates:
        return []
    room = min(config.line_characters, config.list_characters // len(candidates)) - len("- \n")
    return [CANDIDATES, *(f"- {catalogue.line(movie, config.details, room)}" for movie in candidates)]


def _history_lines(turn: Turn, catalogue: Catalogue, config: GeneratorConfig) -> list[str]:
    known = [movie for movie in dict.fromkeys(turn.history) if movie in catalogue]
    shown = known[-config.history_films :] if config.history_films else []
    room = config.line_characters - len("- \n")
    return [HISTORY, *(f"- {catalogue.line(movie, config.details, room)}" for movie in shown)] if shown else []


def _said(turn: Turn, candidates: Sequence[str], catalogue: Catalogue, config: GeneratorConfig) -> str:
    """The latest turns, without the names of candidates.

    A candidate is a film that was not named before, so its name in a dialogue is a mention that was not linked or somebody's
    advertisement, and a model that copies would pick the film for it.
    """
    said = without_heads(dialogue_lines(turn.context_text, config.dialogue_characters))
    named = [] if config.negatives == "none" else [catalogue.name(movie) for movie in candidates if movie not in turn.history]
    titles = {part for name in named for part in (name, name.rpartition(" (")[0]) if len(part) >= len(UNNAMED) and " " in part}
    if not titles:
        return said
    longest_first = "|".join(re.escape(title) for title in sorted(titles, key=lambda title: (-len(title), title)))
    return re.sub(rf"(?<!\w)(?:{longest_first})(?!\w)", UNNAMED, said, flags=re.IGNORECASE)


def _own_thought(thought: str) -> str:
    text = thought_of(thought)
    return f" {text}" if text else ""

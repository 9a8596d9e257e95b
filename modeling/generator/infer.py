"""Use a language model as item generation expert: order candidates, answer with one of them, or answer freely. Nothing is trained here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from modeling.artifacts import load_manifest
from modeling.errors import ArtifactError, DataError
from modeling.generator.catalogue import Catalogue
from modeling.generator.config import GeneratorConfig
from modeling.generator.matching import Match, first_name, match
from modeling.generator.prompts import PROMPT_VERSION, Turn, after_thought, arranged, completion, prompt, thought_of
from modeling.language_model.config import LanguageModelConfig
from modeling.language_model.local import LocalModel
from modeling.language_model.protocol import LanguageModel, Scores

MODEL_NAME, ADAPTER_NAME = "item_generator", "adapter"
PROMPT_FIELDS = ("think", "details", "line_characters", "list_characters", "dialogue_characters", "history_films")


@dataclass(frozen=True, slots=True)
class FreeAnswer:
    """What the model said on its own: the text that can be a name, and the candidate it means, None for none."""

    text: str
    movie_id: str | None
    match: Match


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Of each candidate, float64 (candidates,): log-likelihoods in nats of its name after the prompt (`own`) and after the prompt with an
    empty dialogue (`prior`), both with the end of the answer, and the `lengths` of the name in characters."""

    own: Scores
    prior: Scores
    lengths: Scores

    def scores(self, prior_weight: float, length_power: float) -> Scores:
        """(own - prior_weight * prior) / lengths ** length_power: pointwise mutual information at weight 1 (Church and Hanks 1990).

        A model prefers short and well-known titles, and places in a list, whatever was said; an empty dialogue shows how much
        (contextual calibration: Zhao et al. 2021).
        """
        found: Scores = (self.own - prior_weight * self.prior) / self.lengths**length_power
        return found


class ItemGenerator:
    """A language model behind the generator's prompt.

    Candidates are shown in an order that depends on seed and example alone, as in training, so a retriever's order neither
    helps nor hurts. Films outside the candidates cannot be scored, ranked or picked.
    """

    def __init__(self, model: LanguageModel, catalogue: Catalogue, config: GeneratorConfig) -> None:
        self.model, self.catalogue, self.config = model, catalogue, config

    def evidence(self, turns: Sequence[Turn], candidates: Sequence[Sequence[str]], *, with_prior: bool) -> list[Evidence]:
        """What the model says of each candidate, aligned with the candidates as given; without prior, that is zero and costs nothing."""
        shown = self._shown(turns, candidates)
        asked = [place for place, movies in enumerate(shown) if movies]
        some = [shown[place] for place in asked]
        own = self._likelihoods([turns[place] for place in asked], some)
        prior = (
            self._likelihoods([turns[place].without_dialogue() for place in asked], some) if with_prior else [0.0 * each for each in own]
        )
        found = [Evidence(np.empty(0), np.empty(0), np.empty(0))] * len(turns)
        for place, *values in zip(asked, own, prior, strict=True):
            rows = [shown[place].index(movie) for movie in candidates[place]]
            lengths = [len(completion(self.catalogue.name(movie))) for movie in candidates[place]]
            found[place] = Evidence(values[0][rows], values[1][rows], np.array(lengths, np.float64))
        return found

    def score(self, turns: Sequence[Turn], candidates: Sequence[Sequence[str]]) -> list[Scores]:
        """Per turn float64 (candidates,), aligned with the candidates as given, higher is better; a film given twice scores alike."""
        found = self.evidence(turns, candidates, with_prior=self.config.prior_weight > 0)
        return [each.scores(self.config.prior_weight, self.config.length_power) for each in found]

    def rank(self, turns: Sequence[Turn], candidates: Sequence[Sequence[str]]) -> list[list[str]]:
        """The distinct candidates of each turn, best first, ties by id."""
        scores = self.score(turns, candidates)
        return [_ordered(movies, values) for movies, values in zip(candidates, scores, strict=True)]

    def answer(self, turns: Sequence[Turn], candidates: Sequence[Sequence[str]]) -> list[str | None]:
        """One candidate per turn, None only where there is no candidate: by best score, or by constrained decoding."""
        if self.config.answer == "score":
            return [ranking[0] if ranking else None for ranking in self.rank(turns, candidates)]
        shown = self._shown(turns, candidates)
        asked = [place for place, movies in enumerate(shown) if movies]
        chosen = self.model.choose(*self._call([turns[place] for place in asked], [shown[place] for place in asked])) if asked else []
        answers: list[str | None] = [None] * len(turns)
        for place, choice in zip(asked, chosen, strict=True):
            answers[place] = shown[place][choice]
        return answers

    def generate(self, turns: Sequence[Turn], candidates: Sequence[Sequence[str]]) -> list[FreeAnswer]:
        """What the model says when nothing holds it to the candidates, at the config's temperature, and which candidate that means."""
        shown = self._shown(turns, candidates)
        said = self.model.generate(
            self._prompts(turns, shown), max_new_tokens=self.config.answer_tokens, temperature=self.config.temperature
        )
        return [self._read(text, movies) for text, movies in zip(said, shown, strict=True)]

    def _read(self, text: str, movies: Sequence[str]) -> FreeAnswer:
        found = match(text, [self.catalogue.name(movie) for movie in movies], fuzzy_ratio=self.config.fuzzy_ratio)
        return FreeAnswer(first_name(text), movies[found.place] if found.place >= 0 else None, found)

    def _shown(self, turns: Sequence[Turn], candidates: Sequence[Sequence[str]]) -> list[list[str]]:
        if len(turns) != len(candidates):
            raise DataError(
                f"asking the generator: {len(turns)} turns and {len(candidates)} lists of candidates; expected one list per turn"
            )
        return [arranged(movies, turn.example_id, seed=self.config.seed) for turn, movies in zip(turns, candidates, strict=True)]

    def _likelihoods(self, turns: Sequence[Turn], shown: Sequence[Sequence[str]]) -> list[Scores]:
        return self.model.score(*self._call(turns, shown)) if turns else []

    def _call(self, turns: Sequence[Turn], shown: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
        choices = [[completion(self.catalogue.name(movie)) for movie in movies] for movies in shown]
        return self._prompts(turns, shown), choices

    def _prompts(self, turns: Sequence[Turn], shown: Sequence[Sequence[str]]) -> list[str]:
        """Prompts up to 'answer:'; with `think` the model's own thought is in them."""
        asked = [prompt(turn, movies, self.catalogue, self.config) for turn, movies in zip(turns, shown, strict=True)]
        if not self.config.think:
            return asked
        thoughts = self.model.generate(asked, max_new_tokens=self.config.thought_tokens, temperature=self.config.temperature)
        return [after_thought(text, thought_of(thought)) for text, thought in zip(asked, thoughts, strict=True)]


def load(
    directory: Path,
    base: str | Path,
    catalogue: Catalogue,
    *,
    config: GeneratorConfig | None = None,
    reading: LanguageModelConfig | None = None,
) -> ItemGenerator:
    """The generator that `train` left in `directory`, every file's hash checked, its adapter merged into `base`.

    `config` may differ from the trained one in how answers are read, not in what the prompt shows; `reading` must have room for
    the longest prompt. ArtifactError for another model, base, prompt or version of the prompt.
    """
    trained = settings_of(directory)
    used = config or trained
    other = [name for name in PROMPT_FIELDS if getattr(used, name) != getattr(trained, name)]
    if other or (used.negatives == "none") != (trained.negatives == "none"):
        raise ArtifactError(
            f"loading {directory}: the prompt it was trained on differs in {', '.join(other) or 'negatives'}; "
            "use the config of `settings_of`, or train it again"
        )
    return ItemGenerator(LocalModel.load(base, directory / ADAPTER_NAME, config=reading), catalogue, used)


def settings_of(directory: Path) -> GeneratorConfig:
    """The settings of the generator that `train` left in `directory`, its files checked.

    ArtifactError when it is another model, is damaged, or was trained on another version of the prompt.
    """
    manifest = load_manifest(directory, model=MODEL_NAME)
    version = manifest.config["prompt_version"]
    if version != PROMPT_VERSION:
        raise ArtifactError(f"loading {directory}: trained on prompt version {version}, this is {PROMPT_VERSION}; train it again")
    return GeneratorConfig.from_mapping(manifest.config["generator"])


def _ordered(movies: Sequence[str], scores: Scores) -> list[str]:
    best = sorted(zip(movies, scores.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return list(dict.fromkeys(movie for movie, _ in best))

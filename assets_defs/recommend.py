"""Recommendations for a dialogue: the trained parts of a workspace put together, and what speaks for a pick. Nothing is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from assets_defs.errors import LineageError
from assets_defs.explore import MODELS, load_model
from assets_defs.film_facts import film_facts
from assets_defs.generation import catalogue_of, documents_of, load_generator, load_reranker
from assets_defs.language import QUERY_BASE, is_endpoint, language_model
from assets_defs.lineage import is_current
from assets_defs.linking import linker_of
from assets_defs.models import load_embeddings
from assets_defs.preference_parts import SUPERVISED, best_round, load_policy, step_name
from assets_defs.queries import asked_as, companions_for, expert_config, facts_for
from assets_defs.rankers import both_halves, language_ranker
from assets_defs.retrieval import hybrid_weights
from assets_defs.search import corpus_encoder
from assets_defs.turns import dialogue_encoder, load_retriever, query_text
from assets_defs.workspace import Workspace
from corpus_pipeline import release, store
from corpus_pipeline.errors import ConfigError
from corpus_pipeline.schema import tables as t

if TYPE_CHECKING:
    from modeling.query_expert.companions import Companions
    from modeling.query_expert.facts import FilmFacts
    from modeling.ranker.protocol import Ranker
    from modeling.recommender import Conversation, Recommendation, Recommender
    from modeling.turn_retrieval import Asked

PIPELINE = "pipeline"
STEP_OF = {"reranker": "model_reranker", "generator": "model_generator", "retrieval": "model_hybrid", "ranker": "model_generator"}
CHOOSERS = tuple(STEP_OF)
HYBRID = "hybrid"  # every retriever together; the others are those of the feedback loop
ANYWHERE = ""  # a conversation of a user's belongs to no data set


@dataclass(frozen=True)
class Assistant:
    """One workspace's parts, loaded when they are first needed and kept: the first answer takes seconds, the next ones do not."""

    workspace: Workspace
    chooser: str = CHOOSERS[0]
    retriever: str = HYBRID
    round_number: int | None = None

    def __post_init__(self) -> None:
        if self.chooser not in CHOOSERS:
            raise ConfigError(f"no chooser {self.chooser!r}; there are {', '.join(CHOOSERS)}")
        needed = dict.fromkeys((*self._retrieving(), STEP_OF[self.chooser]))
        stale = [name for name in needed if not is_current(self.workspace.ledger, name, back_to="release_corpus")]
        if stale:
            raise LineageError(
                f"{', '.join(stale)} {'is' if len(stale) == 1 else 'are'} not made from the current release: run `marquee build`"
            )

    def _retrieving(self) -> tuple[str, ...]:
        """The records of what retrieves; ConfigError for a retriever or a round that is not there."""
        known = self.workspace.profile.loop_retrievers
        if self.retriever == HYBRID and self.round_number is None:
            return ("model_hybrid", "model_query_expert")
        if self.retriever not in known:
            raise ConfigError(f"no retriever {self.retriever!r} with rounds; there are {HYBRID} (without rounds), {', '.join(known)}")
        if self.round_number is not None and self.round_number not in (0, *t.ROUNDS):
            raise ConfigError(f"no round {self.round_number}; there are 0 (supervised) to {t.ROUNDS[-1]}")
        last = t.ROUNDS[-1] if self.round_number is None else self.round_number
        return (f"{SUPERVISED}@{self.retriever}", f"{step_name(last)}@{self.retriever}")

    @cached_property
    def loop_round(self) -> int:
        """The round that answers: the one asked for, else the best on validation, the supervised retriever among them."""
        return best_round(self.workspace, self.retriever, first=0) if self.round_number is None else self.round_number

    @cached_property
    def release(self) -> release.Release:
        return release.current(self.workspace.releases)

    @cached_property
    def facts(self) -> "dict[str, FilmFacts]":
        """What is known of every film that can be recommended."""
        return facts_for(self.workspace, self.release)

    @cached_property
    def linker(self) -> Any:
        return linker_of(self.workspace, self.release)

    @cached_property
    def recommender(self) -> "Recommender":
        from modeling.recommender import Recommender

        if self.retriever != HYBRID:
            return self._of_the_loop()
        retriever = load_retriever(self.workspace, self.release, store.read_table(self.workspace.table(t.SET_SEQUENCES), t.SET_SEQUENCES))
        return Recommender(
            write=self._write,
            read=self._read,
            retriever=retriever,
            weights=hybrid_weights(self.workspace)["hybrid"],
            films=retriever.dense.movie_ids,
            choose=self._chooser(),
        )

    def _of_the_loop(self) -> "Recommender":
        """One retriever of the loop in the place of all: no query is written, since it reads films and what was said."""
        from modeling.preference_retriever.infer import TurnPolicy
        from modeling.recommender import Recommender

        films, seed = load_embeddings(self.workspace).ids, self.workspace.profile.sizes.loop_seeds[0]
        size = 0 if self.retriever == "rar" else self._features("hello").shape[1]
        policy = load_policy(self.workspace, self.retriever, seed, self.loop_round, size)
        return Recommender(
            write=lambda said: said.context_text,
            read=self._heard,
            retriever=TurnPolicy(policy),
            weights={},
            films=tuple(sorted(films)),
            choose=self._chooser(),
        )

    def _heard(self, said: "Conversation", query: str) -> "Asked":
        """What a retriever of the loop reads: films, and unless it hears none, the vectors of the dialogue."""
        from modeling.dense_retriever.data import Turns
        from modeling.turn_retrieval import Asked

        features = np.zeros((1, 0), np.float32) if self.retriever == "rar" else self._features(said.context_text)
        return Asked([said.named], Turns(["now"], features, [ANYWHERE]), [query], np.zeros((1, 1), np.float32))

    def said(self, turns: Sequence[Mapping[str, str]]) -> "Conversation":
        """The conversation with the films that are found in it."""
        from modeling.recommender import Conversation

        texts = [turn["text"] for turn in turns]
        linked = self.linker.link_texts(texts, dialogues=[0] * len(texts))
        named = tuple(dict.fromkeys(movie for movie in linked["movie_id"].to_pylist() if movie))
        lines = (f"{turn.get('speaker', 'seeker')}: {' '.join(turn['text'].split())}" for turn in turns)
        return Conversation("\n".join(lines), named)

    def recommend(self, said: "Conversation", *, k: int, include_named: bool = False) -> "Recommendation":
        return self.recommender.recommend(said, k=k, include_named=include_named)

    @cached_property
    def _expert(self) -> Any:
        folder = None if is_endpoint(self.workspace) else self.workspace.artifact_of("model_query_expert")
        return language_model(self.workspace, folder, base=QUERY_BASE)

    @cached_property
    def _companions(self) -> "Companions":
        return companions_for(*(store.read_table(self.workspace.table(x), x) for x in (t.SET_RECOMMENDATION, t.SET_RECOMMENDATION_TARGETS)))

    def _write(self, said: "Conversation") -> str:
        from modeling.query_expert.data import Turn
        from modeling.query_expert.infer import write_queries

        config = expert_config(self.workspace)
        beside = self._companions.beside(said.named, but="now", at_most=config.companions)
        turn = Turn("now", "now", "", said.context_text, said.named, companions=beside)
        return write_queries(self._expert, [turn], self.facts, asked_as(self.workspace, "expert"), config).queries[0]

    def _read(self, said: "Conversation", query: str) -> "Asked":
        from modeling.dense_retriever.data import Turns, turn_texts
        from modeling.turn_retrieval import Asked

        dialogue, latest, asked = self._encoded([*turn_texts(said.context_text), query_text(query)])
        return Asked([said.named], Turns(["now"], np.concatenate([dialogue, latest], axis=1), [ANYWHERE]), [query], asked)

    def _features(self, context_text: str) -> Any:
        """Float32 [1, 2 d]: the vectors of one dialogue side by side."""
        from modeling.dense_retriever.data import turn_texts

        return np.concatenate(self._encoded(turn_texts(context_text)), axis=1)

    def _encoded(self, texts: Sequence[str]) -> list[Any]:
        """The vector [1, d] of each text."""
        from modeling.text_encoder.infer import encode

        distinct = list(dict.fromkeys(texts))
        # One by one: in a batch the short ones would be padded to the dialogue's length. Nobody waits for the last bits of a vector.
        config = replace(dialogue_encoder(self.workspace), batch_size=1, precision=corpus_encoder(self.workspace).precision)
        found = dict(zip(distinct, encode(distinct, config), strict=True))
        return [found[text][None] for text in texts]

    def _ranker(self) -> "Ranker":
        """The loop's own ranker, if it needs no truth."""
        from modeling.ranker.encoder import EncoderRanker

        name = self.workspace.profile.rankers[0]
        if name == "encoder":
            return EncoderRanker(lambda turn: both_halves(self._features(turn.context_text))[0], load_embeddings(self.workspace))
        return language_ranker(self.workspace, self.release, name)

    def _chooser(self) -> Any:
        if self.chooser == "reranker":
            return partial(_reranked, load_reranker(self.workspace), documents_of(self.workspace, self.release))
        if self.chooser == "generator":
            return partial(_generated, load_generator(self.workspace, "model_generator", catalogue_of(self.workspace, self.release)))
        if self.chooser == "ranker":
            return partial(_ranked, self._ranker())
        return None


def _ranked(ranker: "Ranker", said: "Conversation", offered: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """The ranker's list with 1 / place as score; candidates that it left out follow in the retriever's order."""
    from modeling.errors import DataError
    from modeling.generator.prompts import Turn

    films = [movie for movie, _ in offered]
    (found,) = ranker.rank([Turn("now", said.context_text, said.named)], [films])
    if found.failure:
        raise DataError(f"the ranker's answer was {found.failure}")
    ordered = dict.fromkeys((*(movie for movie in found.order if movie in films), *films))
    return [(movie, 1.0 / place) for place, movie in enumerate(ordered, 1)]


def _reranked(model: Any, documents: Mapping[str, str], said: "Conversation", offered: list[tuple[str, float]]) -> list[tuple[str, float]]:
    from modeling.reranker.data import RankedList

    films, scores = (list(part) for part in zip(*offered, strict=True))
    (found,) = model.score([RankedList("now", said.context_text, films, np.array(scores))], documents)
    return _best_first(films, found)


def _generated(model: Any, said: "Conversation", offered: list[tuple[str, float]]) -> list[tuple[str, float]]:
    from modeling.generator.prompts import Turn

    films = [movie for movie, _ in offered]
    (found,) = model.score([Turn("now", said.context_text, said.named)], [films])
    return _best_first(films, found)


def _best_first(films: Sequence[str], scores: Any) -> list[tuple[str, float]]:
    return sorted(zip(films, scores.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))


def recommend_for(
    workspace: Workspace,
    dialogue: Mapping[str, Any],
    *,
    k: int,
    model: str = PIPELINE,
    chooser: str = CHOOSERS[0],
    retriever: tuple[str, int | None] = (HYBRID, None),
    include_named: bool = False,
    explain: bool = False,
) -> dict[str, Any]:
    """Ranked films for a dialogue, with what was heard in it and the versions that answered, as one document.

    `retriever`: its name and, for one of the feedback loop, the round; None takes the best on validation.
    """
    if model != PIPELINE:
        return _by_one_model(workspace, dialogue, k=k, model=model)
    assistant = Assistant(workspace, chooser, *retriever)
    return answer(assistant, dialogue["turns"], k=k, include_named=include_named, explain=explain)


def answer(
    assistant: Assistant, turns: Sequence[Mapping[str, str]], *, k: int, include_named: bool = False, explain: bool = False
) -> dict[str, Any]:
    """What `recommend_for` tells, by parts that are loaded already."""
    said = assistant.said(turns)
    found = assistant.recommend(said, k=k, include_named=include_named)
    told = {
        "release": assistant.release.release_id,
        "model": _version(assistant),
        "history": [_film(assistant, movie) for movie in said.named],
        "recommendations": [{"rank": n, "score": score, **_film(assistant, movie)} for n, (movie, score) in enumerate(found.ranked, 1)],
        "notices": list(found.notices),
    }
    return {**told, **_explanation(assistant, said, found)} if explain else told


def _version(assistant: Assistant) -> str:
    need = assistant.workspace.ledger.need
    chooser = f"{assistant.chooser}@{need(STEP_OF[assistant.chooser]).fingerprint[:12]}"
    if assistant.retriever == HYBRID:
        return f"{PIPELINE}, {chooser}"
    made = need(f"{step_name(assistant.loop_round)}@{assistant.retriever}").fingerprint[:12]
    after = f"after {assistant.loop_round} rounds" if assistant.loop_round else "supervised"
    return f"{PIPELINE}, {assistant.retriever} {after}@{made}, {chooser}"


def _film(assistant: Assistant, movie: str) -> dict[str, Any]:
    known = assistant.facts.get(movie)
    if known is None:  # named in the dialogue, but without a vector
        rows = film_facts(assistant.release, [movie]).to_pylist()
        return {"movie_id": movie, "title": rows[0]["title"], "year": rows[0]["year"]}
    return {"movie_id": movie, "title": known.title, "year": known.year}


def _explanation(assistant: Assistant, said: "Conversation", found: "Recommendation") -> dict[str, Any]:
    """The query, what the first stage offered, and the facts of each recommended film that the dialogue speaks for."""
    candidates = [{"retrieval_score": score, **_film(assistant, movie)} for movie, score in found.offered]
    speaks = {movie: shared_facts(assistant, said, movie) for movie, _ in found.ranked}
    return {"query": found.query, "candidates": candidates, "because": speaks}


def shared_facts(assistant: Assistant, said: "Conversation", movie: str) -> list[str]:
    """'genres: Crime (said)', 'cast: Al Pacino (as in Heat)': facts of the film that were said, or that films named before share."""
    film, words = assistant.facts[movie], _words(said.context_text)
    before = [assistant.facts[one] for one in said.named if one in assistant.facts and one != movie]
    told = []
    for kind in ("directors", "cast", "genres", "keywords"):
        for value in getattr(film, kind):
            named = [other.title for other in before if value in getattr(other, kind)]
            if f" {_words(value).strip()} " in words:
                told.append(f"{kind}: {value} (said)")
            elif named:
                told.append(f"{kind}: {value} (as in {', '.join(named)})")
    return told


def _words(text: str) -> str:
    from modeling.query_expert.facts import words_key

    return f" {words_key(text)} "


def _by_one_model(workspace: Workspace, dialogue: Mapping[str, Any], *, k: int, model: str) -> dict[str, Any]:
    """One sequential model alone, which hears the films and nothing else."""
    if model not in MODELS:
        raise ConfigError(f"no model {model!r}; there are {[PIPELINE, *sorted(MODELS)]}")
    found = release.current(workspace.releases)
    texts = [turn["text"] for turn in dialogue["turns"]]
    linked = linker_of(workspace, found).link_texts(texts, dialogues=[0] * len(texts))
    history = list(dict.fromkeys(movie for movie in linked["movie_id"].to_pylist() if movie))
    loaded, version = load_model(workspace, model)
    ranked = loaded.recommend(history, k)
    rows = film_facts(found, [*history, *(movie for movie, _ in ranked)]).select(["movie_id", "title", "year"]).to_pylist()
    films = {row["movie_id"]: row for row in rows}
    return {
        "release": found.release_id,
        "model": f"{model}@{version}",
        "history": [films[movie] for movie in history],
        "recommendations": [{"rank": n, "score": score, **films[movie]} for n, (movie, score) in enumerate(ranked, 1)],
        "notices": [],
    }

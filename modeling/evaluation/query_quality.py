"""How good search queries are: their overlap with queries written by hand, and how close they come to the true film.

Pure functions of texts and arrays that belong together row by row. No query is written, nothing is embedded and no table
is read here. All overlaps are in 0..1. ReGeS (Yang & Fang 2025, arXiv 2509.21371) prints such figures and does not say which
BLEU and ROUGE they are; `query_anchors.yaml` has its figures. These here are:

* BLEU-n (Papineni et al. 2002) of the corpus as sacreBLEU counts it: geometric mean of the precisions of 1..n-grams, brevity
  penalty, one reference, lower case, tokens of '13a'. An order without any match counts as half a match, the next one as a
  quarter ('exp', NIST's smoothing), so that one missing order does not make the whole 0; without a common word it is 0;
* ROUGE-1, ROUGE-2, ROUGE-L (Lin 2004): F1 of each query, averaged; lower case, words of ASCII letters and digits, no stemming.

A raw dialogue is several times as long as a reference and has a low precision for that reason alone: its BLEU and F1 tell
little about how well it retrieves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.errors import EvaluationError

BLEU_ORDERS = {"bleu_1": 1, "bleu_2": 2, "bleu_3": 3}
ROUGE_KINDS = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL"}
OVERLAPS = (*BLEU_ORDERS, *ROUGE_KINDS)
SMOOTHING = "exp"  # sacreBLEU's default
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)  # denser on the right: better queries show in the right tail
BINS = 40  # of the histogram over -1..1

Values = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of one kind of query, measured on `count` queries or pairs."""

    query_mode: str
    metric: str
    value: float
    count: int


@dataclass(frozen=True, slots=True)
class Bin:
    """How many cosines of one kind of query lie in [low, high), the last bin with its upper end; `share` of all of them."""

    query_mode: str
    low: float
    high: float
    count: int
    share: float


def overlap_measures(queries: Mapping[str, Sequence[str]], references: Sequence[str]) -> list[Measure]:
    """BLEU-1..3 and mean ROUGE-1, -2, -L of each mode's queries against the same references, in the order of `queries`.

    `queries[mode][i]` belongs to `references[i]`; an empty query counts and scores 0. No references, no measures.
    EvaluationError for texts that do not pair up and for an empty reference.
    """
    for mode, texts in queries.items():
        _check_pairs(mode, texts, references)
    if not references:
        return []
    found = {mode: bleu(texts, references) | _means(rouge(texts, references)) for mode, texts in queries.items()}
    return [Measure(mode, metric, value, len(references)) for mode, values in found.items() for metric, value in values.items()]


def bleu(queries: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Corpus BLEU-1..3 by metric name, in 0..1; 0 without texts. Not a mean over queries: long ones weigh more."""
    from sacrebleu.metrics.bleu import BLEU

    _check_pairs("BLEU", queries, references)
    if not references:
        return dict.fromkeys(BLEU_ORDERS, 0.0)
    # `force` only keeps quiet about texts that look tokenised already.
    scorers = {
        name: BLEU(lowercase=True, max_ngram_order=order, smooth_method=SMOOTHING, force=True) for name, order in BLEU_ORDERS.items()
    }
    scores = {name: scorer.corpus_score(list(queries), [list(references)]).score for name, scorer in scorers.items()}
    return {name: min(score / 100, 1.0) for name, score in scores.items()}  # exp(log(100)) is a little above 100


def rouge(queries: Sequence[str], references: Sequence[str]) -> dict[str, Values]:
    """F1 of ROUGE-1, -2 and -L per query, float64 [n] by metric name. The first call takes seconds: rouge_score loads nltk."""
    from rouge_score.rouge_scorer import RougeScorer

    _check_pairs("ROUGE", queries, references)
    scorer = RougeScorer(list(ROUGE_KINDS.values()))
    scores = [scorer.score(reference, query) for query, reference in zip(queries, references, strict=True)]
    return {name: np.array([score[kind].fmeasure for score in scores], dtype=np.float64) for name, kind in ROUGE_KINDS.items()}


def cosines(queries: Vectors, films: Vectors) -> Values:
    """Cosine of each query's vector to the vector of its true film, float64 [n] in -1..1; `queries`, `films` [n, d], one row per pair.

    A turn with several true films has a row for each. EvaluationError for other shapes, for a vector that is zero or not finite.
    """
    if queries.ndim != 2 or queries.shape != films.shape:
        raise EvaluationError(
            f"comparing queries with films: vectors {queries.shape} and {films.shape}; expected [pairs, dimensions] for both, row by row"
        )
    products: Values = np.sum(_unit("query", queries) * _unit("film", films), axis=1)
    return np.clip(products, -1.0, 1.0)


def cosine_measures(values: Mapping[str, Values]) -> list[Measure]:
    """Mean and quantiles ('cosine_mean', 'cosine_p50', ...) of each mode's cosines; a mode without pairs has none."""
    return [measure for mode, cosine in values.items() if len(cosine) for measure in _distribution(mode, cosine)]


def histogram(values: Mapping[str, Values]) -> list[Bin]:
    """The cosines of each mode counted in 40 equal bins over -1..1, the same for all modes; a mode without pairs has none.

    Empty bins below and above every mode's values are left out. EvaluationError for a value outside -1..1 or NaN.
    """
    filled = {mode: cosine for mode, cosine in values.items() if len(cosine)}
    edges = np.linspace(-1.0, 1.0, BINS + 1)
    counts = {mode: np.histogram(_checked(mode, cosine), edges)[0] for mode, cosine in filled.items()}
    if not counts:
        return []
    used = np.flatnonzero(np.sum(list(counts.values()), axis=0))
    return [
        Bin(mode, float(edges[i]), float(edges[i + 1]), int(found[i]), float(found[i] / found.sum()))
        for mode, found in counts.items()
        for i in range(used[0], used[-1] + 1)
    ]


def _distribution(mode: str, cosine: Values) -> list[Measure]:
    quantiles = np.quantile(_checked(mode, cosine), QUANTILES)
    named = {f"cosine_p{share * 100:02.0f}": float(value) for share, value in zip(QUANTILES, quantiles, strict=True)}
    return [Measure(mode, metric, value, len(cosine)) for metric, value in ({"cosine_mean": float(cosine.mean())} | named).items()]


def _checked(mode: str, cosine: Values) -> Values:
    wrong = cosine[~(np.abs(cosine) <= 1.0)]
    if len(wrong):
        raise EvaluationError(f"describing the cosines of {mode!r} queries: one is {wrong[0]}; expected -1..1, as `cosines` gives them")
    return cosine


def _check_pairs(what: str, queries: Sequence[str], references: Sequence[str]) -> None:
    if len(queries) != len(references):
        raise EvaluationError(
            f"comparing queries ({what}): {len(queries)} queries and {len(references)} references; expected one reference for each query"
        )
    empty = [index for index, reference in enumerate(references) if not reference.strip()]
    if empty:
        raise EvaluationError(f"comparing queries ({what}): reference {empty[0]} is empty; every reference needs words; drop its row")


def _means(values: Mapping[str, Values]) -> dict[str, float]:
    return {name: float(value.mean()) for name, value in values.items()}


def _unit(what: str, vectors: Vectors) -> Values:
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    wrong = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
    if len(wrong):
        raise EvaluationError(f"comparing queries with films: {what} vector {wrong[0]} is zero or not finite; embed its text again")
    unit: Values = wide / lengths
    return unit

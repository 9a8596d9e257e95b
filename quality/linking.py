"""What linking must keep up on films that no training has seen: precision, recall, and links in text without any film.

Measured on `eval_linking`, with the weights in use, on test dialogues and the gold that readers judged.
"""

from collections.abc import Iterator, Sequence

from corpus_pipeline.schema.render import literal
from quality.expectations import Quantity

_METRICS = {
    "precision": "Links that are right",
    "recall": "Mentions that are linked to their film",
    "false_links_per_1000_words": "Links per 1,000 words of text that names no film",
}


def quantities(*, datasets: Sequence[str]) -> tuple[Quantity, ...]:
    """The numbers of `eval_linking` that a baseline must bound."""
    return tuple(quantity for dataset in datasets for quantity in _of(dataset))


def _of(dataset: str) -> Iterator[Quantity]:
    for metric, what in _METRICS.items():
        yield Quantity(
            name=f"eval_linking.{metric}.{dataset}",
            sql=f"SELECT value FROM eval_linking WHERE is_in_use AND dataset = {literal(dataset)} AND metric = {literal(metric)} "
            "AND split = 'test' AND gold = 'judged' AND slice = 'all'",
            description=f"{what}, in test dialogues of {dataset}, for films that no training has seen.",
        )

"""10,000 constrained answers of the generator over odd titles and injections: how many are outside their candidates. The bar is 0.

Run: `python tests/bench/generator_containment.py [prompts, by default 10,000]`. Prints one JSON document. The model is real and its
weights are random, so that nothing but the decoding holds it to the candidates; unconstrained it names none of them. Titles are
prefixes of each other, equal, empty, of signs, in many scripts and very long; each film's title or the dialogue may hold an injection.
"""

import json
import sys
import tempfile
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from modeling.evaluation.hallucination import hallucinations
from modeling.generator.config import GeneratorConfig
from modeling.generator.infer import ItemGenerator
from modeling.language_model.config import BaseLMConfig, LanguageModelConfig
from modeling.language_model.local import LocalModel
from modeling.language_model.train import adapt_base
from tests.unit.modeling.generator.injections import odd_films, odd_questions

PER_CALL = 500


def main(count: int) -> dict[str, object]:
    torch.set_num_threads(1)
    catalogue = odd_films()
    asked = iter(odd_questions(catalogue, count))
    config = GeneratorConfig(
        details=("genres",), line_characters=40, dialogue_characters=60, answer="decode", temperature=0.0, answer_tokens=8
    )
    with tempfile.TemporaryDirectory() as folder:
        settings = BaseLMConfig(start="random", layers=1, hidden_size=16, heads=2, vocabulary_size=400, epochs=0)
        adapt_base([catalogue.name(movie) for movie in catalogue.ids], settings, Path(folder) / "base")
        model = LocalModel.load(Path(folder) / "base", config=LanguageModelConfig(model="tiny", max_prompt_tokens=600, batch_size=64))
    start, answers, names, free = time.perf_counter(), [], [], []
    while part := list(islice(asked, PER_CALL)):
        turns, lists = [turn for turn, _ in part], [movies for _, movies in part]
        chosen = ItemGenerator(model, catalogue, config).answer(turns, lists)
        answers += [catalogue.name(movie) if movie is not None else "" for movie in chosen]
        names += [[catalogue.name(movie) for movie in movies] for movies in lists]
        if not free:
            free = [said.text for said in ItemGenerator(model, catalogue, replace(config, answer="score")).generate(turns, lists)]
    held, loose = (
        hallucinations(texts, names[: len(texts)], answered=kind, known={})[0]
        for kind, texts in (("constrained", answers), ("unconstrained", free))
    )
    return {
        "prompts": held.answer_count,
        "outside": held.outside_count,
        "outside at most, 95 %": held.high,
        "distinct answers": int(np.unique(answers).size),
        "unconstrained outside": loose.ratio,
        "seconds": round(time.perf_counter() - start, 1),
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000), indent=2))

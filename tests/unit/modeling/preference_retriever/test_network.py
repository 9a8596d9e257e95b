"""Retrievers as policies: the scores of the models they start from, films left out, and what the dialogue adds."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from modeling.dense_retriever.config import DenseRetrieverConfig
from modeling.dense_retriever.data import Turns as DenseTurns
from modeling.dense_retriever.infer import DenseRetriever
from modeling.dense_retriever.network import Towers
from modeling.lrurec.config import LRURecConfig
from modeling.lrurec.data import PADDING
from modeling.lrurec.infer import LRURecModel
from modeling.lrurec.network import Dropout, LRURecNetwork
from modeling.preference_retriever.data import Turns
from modeling.preference_retriever.loss import supervised_loss
from modeling.preference_retriever.network import DensePolicy, SequencePolicy
from modeling.seeding import numpy_generator, torch_generator
from modeling.text_encoder.embeddings import ItemEmbeddings

VOCABULARY = ["m5", "m1", "m4", "m2", "m0"]
FILMS = ["m0", "m1", "m2", "m3", "m4", "m5"]  # m3 is a film that no model knows
HISTORIES = [["m1", "m5"], [], ["who"], ["m4", "m3", "m0", "m2"], ["m2"]]
SIZE = 3


def turns(histories: Sequence[Sequence[str]] = HISTORIES, *, allowed: np.ndarray | None = None, seed: int = 0) -> Turns:
    count = len(histories)
    features = np.random.default_rng(seed).normal(size=(count, 2 * SIZE)).astype(np.float32)
    everything = np.ones((1, len(FILMS)), bool) if allowed is None else allowed
    rows = np.arange(count) % len(everything)
    return Turns([f"t{row}" for row in range(count)], FILMS, histories, features, everything, rows, [()] * count, np.ones(count, np.int64))


def network(*, mode: str = "id", dropout: float = 0.4) -> LRURecNetwork:
    """Weights ten times their first values, so that what a film adds is far from rounding."""
    config = LRURecConfig(mode=mode, embedding_size=8, state_size=12, max_length=6, dropout=dropout)
    model = LRURecNetwork(config, item_count=len(VOCABULARY), feature_size=SIZE, generator=torch_generator(0, "weights"))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not name.endswith("_log"):
                parameter.mul_(10)
    return model


def texts(model: LRURecNetwork) -> torch.Tensor | None:
    return torch.randn(len(VOCABULARY), SIZE, generator=torch_generator(0, "texts")) if model.config.mode == "text" else None


def sequence_policy(*, mode: str = "id", feature_size: int = 0, dropout: float = 0.4) -> SequencePolicy:
    base = network(mode=mode, dropout=dropout)
    return SequencePolicy(base, VOCABULARY, features=texts(base), feature_size=feature_size)


def towers(members: int) -> list[Towers]:
    config = DenseRetrieverConfig(hidden_size=7, output_size=4)
    made = []
    for member in range(members):
        tower = Towers(config, film_count=len(VOCABULARY), turn_size=2 * SIZE, film_size=SIZE, generator=torch_generator(member, "weights"))
        with torch.no_grad():
            tower.bias.copy_(torch.arange(len(VOCABULARY)) / 4)
        made.append(tower.eval())
    return made


def dense(members: int = 2) -> tuple[DenseRetriever, DensePolicy]:
    own = towers(members)
    documents = ItemEmbeddings(tuple(VOCABULARY), np.random.default_rng(1).normal(size=(len(VOCABULARY), SIZE)).astype(np.float32), "x")
    retriever = DenseRetriever(own, VOCABULARY, documents)
    return retriever, DensePolicy([t.query for t in own], retriever.movie_ids, torch.from_numpy(retriever.films), dropout=0.4)


@pytest.mark.parametrize("mode", ["id", "text"])
def test_without_dialogue_a_film_scores_what_lrurec_gives_it(mode: str) -> None:
    policy = sequence_policy(mode=mode)
    base = LRURecModel(policy.base, VOCABULARY, features=policy.features)
    found, expected, given = policy.scores(turns()).detach().numpy(), base.score(HISTORIES, FILMS), turns()
    offered = ~given.excluded() & (np.array(FILMS) != "m3")
    np.testing.assert_allclose(found[offered], expected[offered], rtol=1e-5, atol=1e-5)
    assert (found[~offered] == -np.inf).all() and offered.sum() == 19
    assert found.dtype == np.float32


def test_an_empty_history_has_finite_scores() -> None:
    known = [place for place, film in enumerate(FILMS) if film in VOCABULARY]
    for policy in (sequence_policy(), sequence_policy(feature_size=2 * SIZE)):
        found = policy.scores(turns([[], ["who"]]))
        assert torch.isfinite(found[:, known]).all()


def test_films_of_another_data_set_and_films_named_before_are_left_out() -> None:
    allowed = np.array([[True, True, True, True, False, False], [False, False, False, True, True, True]])
    given = turns([["m1"], [], ["m2", "m2"], ["m5", "m1"]], allowed=allowed)
    for policy in (sequence_policy(), sequence_policy(mode="text"), sequence_policy(feature_size=2 * SIZE), dense()[1]):
        offered = [[film for film, score in zip(FILMS, row, strict=True) if score > -np.inf] for row in policy.scores(given).tolist()]
        assert offered == [["m0", "m2"], ["m4", "m5"], ["m0", "m1"], ["m4"]]


@pytest.mark.parametrize("mode", ["id", "text"])
def test_a_dialogue_that_says_nothing_yet_is_read_as_the_padding(mode: str) -> None:
    """Its vector is the padding position's, read after the films: an empty history scores as before, any other one item longer."""
    policy = sequence_policy(mode=mode, feature_size=2 * SIZE)
    base = policy.base
    vectors = base.item_vectors(policy.features)
    found = policy.scores(turns())
    for row, history in enumerate(HISTORIES):
        state = base.initial_state(1)
        for film in history:
            if film in VOCABULARY:
                _, state = base.step(state, torch.tensor([VOCABULARY.index(film) + 1]), vectors)
        hidden, _ = base.step(state, torch.tensor([PADDING]), vectors)
        expected = hidden @ vectors.T if base.items.bias is None else hidden @ vectors.T + base.items.bias
        for column, film in enumerate(FILMS):
            if film in VOCABULARY and film not in history:
                assert found[row, column].item() == pytest.approx(expected[0, VOCABULARY.index(film)].item(), rel=1e-4, abs=1e-5)
    plain = SequencePolicy(base, VOCABULARY, features=policy.features)
    torch.testing.assert_close(found[1:3], plain.scores(turns())[1:3], rtol=1e-5, atol=1e-5)
    # no dialogue changes a score yet
    torch.testing.assert_close(found, policy.scores(turns(seed=1)), rtol=0, atol=0)


def test_the_dialogue_is_learned_from() -> None:
    """Two turns of one history that want different films: only the dialogues can tell them apart."""
    policy, given = sequence_policy(feature_size=2 * SIZE), turns([["m1"], ["m1"]])
    wanted = torch.tensor([FILMS.index("m0"), FILMS.index("m5")])
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.03)
    losses = []
    for step in range(40):
        loss = supervised_loss(policy.scores(given), torch.arange(2), wanted)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            assert policy.dialogue is not None and policy.dialogue.weight.grad is not None
            assert policy.dialogue.weight.grad.abs().max() > 1e-3
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 < np.log(2) - 1e-3 < losses[0]
    assert policy.scores(given).argmax(dim=1).tolist() == wanted.tolist()


def test_the_dialogue_counts_among_the_latest_of_a_long_history() -> None:
    policy = sequence_policy(feature_size=2 * SIZE)
    assert policy.dialogue is not None
    torch.nn.init.normal_(policy.dialogue.weight, generator=torch_generator(0, "dialogue"))
    long = ["m1", "m2", "m4", "m5", "m1", "m2"]
    first, second = turns([long], seed=1), turns([long], seed=2)
    assert policy.scores(first)[0, 0] != policy.scores(second)[0, 0]  # of m0, which may be offered
    torch.testing.assert_close(policy.scores(first), policy.scores(turns([["m4", *long]], seed=1)))  # what is too old is not read


@pytest.mark.parametrize("members", [1, 2])
def test_a_dense_policy_scores_as_the_retriever_it_starts_from(members: int) -> None:
    retriever, policy = dense(members)
    given = turns()
    expected = retriever.score(DenseTurns(given.example_ids, given.features, ["a"] * len(given)), FILMS)
    found = policy.scores(given).detach().numpy()
    offered = ~given.excluded() & (np.array(FILMS) != "m3")
    np.testing.assert_allclose(found[offered], expected[offered], rtol=1e-5, atol=1e-6)
    assert (found[~offered] == -np.inf).all()


def test_a_dense_policy_learns_its_queries_alone() -> None:
    retriever, policy = dense(2)
    assert len(list(policy.parameters())) == 2 * 4  # two layers a member, each with a bias
    loss = supervised_loss(policy.scores(turns()), torch.arange(2), torch.tensor([0, 4]))
    assert all(slope.abs().max() > 0 for slope in torch.autograd.grad(loss, list(policy.parameters())))
    assert not any(name.endswith("vectors") for name in policy.state_dict())
    np.testing.assert_array_equal(policy.vectors.numpy(), retriever.films)


@pytest.mark.parametrize("feature_size", [0, 2 * SIZE])
def test_text_vectors_are_neither_learned_nor_saved(feature_size: int) -> None:
    policy = sequence_policy(mode="text", feature_size=feature_size)
    assert "features" not in policy.state_dict()
    assert policy.features is not None and not policy.features.requires_grad


@pytest.mark.parametrize("kind", ["rar", "rar+dialogue", "dense"])
def test_dropout_is_drawn_from_the_generator_alone(kind: str) -> None:
    feature_size = 2 * SIZE if kind == "rar+dialogue" else 0
    policy = dense()[1] if kind == "dense" else sequence_policy(feature_size=feature_size)
    policy.train()
    given = turns()
    torch.testing.assert_close(policy.scores(given), policy.scores(given), rtol=0, atol=0)
    masked, again, other = (policy.scores(given, generator=numpy_generator(seed, "masks")) for seed in (0, 0, 1))
    torch.testing.assert_close(masked, again, rtol=0, atol=0)
    assert not torch.equal(masked, other) and not torch.equal(masked, policy.scores(given))
    torch.testing.assert_close(masked == -np.inf, other == -np.inf)


def test_a_dense_policy_drops_out_where_its_tower_was_trained_with_dropout() -> None:
    _, policy = dense(1)
    given, drop = turns(), Dropout(0.4, numpy_generator(0, "masks"))
    first, second = policy.queries[0]
    hidden = drop(torch.nn.functional.gelu(first(drop(torch.from_numpy(given.features)))))
    vectors = torch.cat([second(hidden), torch.ones(len(given), 1)], dim=1)
    expected = vectors @ policy.vectors.T  # films of the retriever in order of id, m3 not among them
    found = policy.scores(given, generator=numpy_generator(0, "masks"))[:, [0, 1, 2, 4, 5]]
    offered = found > -np.inf
    torch.testing.assert_close(found[offered], expected[offered], rtol=1e-5, atol=1e-6)

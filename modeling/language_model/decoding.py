"""The inner loops of a local model over rows of token ids: prompts read once, then continued, scored or led along a trie.

Nothing here knows text: rows of token ids go in, rows of token ids and log-likelihoods come out.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

Numbers = npt.NDArray[np.float64]
Pick = Callable[[int, Numbers], int]  # row and logits (vocabulary,) to the next token; a negative one ends the row
_DRAFT_TOKENS, _MATCHED = 8, (3, 2, 1)  # tokens drafted at once; how many of the last ones an earlier place must share
_CHOICES_AT_ONCE = 256  # that share one forward pass; more gain nothing on a CPU, and their logits need memory

Trie = dict[int, "Trie | int"]  # token to subtrie; the end mark to the index of the choice that ends there


@dataclass(slots=True)
class Read:
    """Prompts that the model has read: its key-value cache, `mask` (rows, tokens), `logits` (rows, vocabulary) of what comes next."""

    cache: Any
    mask: "torch.Tensor"
    logits: "torch.Tensor"

    def keep(self, rows: Sequence[int]) -> None:
        """Only `rows`, in that order; a row may be repeated."""
        import torch

        index = torch.tensor(rows, device=self.mask.device)
        self.cache.batch_select_indices(index)
        self.mask, self.logits = self.mask[index], self.logits[index]

    def forget(self, tokens: int) -> None:
        """Take back the last `tokens` tokens read."""
        if tokens:
            self.cache.crop(-tokens)
            self.mask = self.mask[:, : self.mask.shape[1] - tokens]


def read(model: Any, prompts: Sequence[Sequence[int]], *, padding: int) -> Read:
    """Run the model once over prompts, padded on the left so that all end at the same place."""
    import torch

    longest = max(map(len, prompts))
    tokens = torch.tensor([[padding] * (longest - len(prompt)) + list(prompt) for prompt in prompts], device=model.device)
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=model.device)
    with torch.inference_mode():
        answer = model(input_ids=tokens, attention_mask=mask, position_ids=_positions(mask), use_cache=True, logits_to_keep=1)
    return Read(answer.past_key_values, mask, answer.logits[:, -1].float())


def _positions(mask: "torch.Tensor") -> "torch.Tensor":
    """Positions counted from the first real token: padding moves nothing."""
    return (mask.cumsum(1) - 1).clamp(min=0)


def _advance(model: Any, state: Read, tokens: Sequence[int]) -> None:
    """Read one more token per row."""
    import torch

    column = torch.tensor(tokens, device=state.mask.device)[:, None]
    state.mask = torch.cat([state.mask, torch.ones_like(column)], dim=1)
    with torch.inference_mode():
        positions = _positions(state.mask)[:, -1:]
        answer = model(input_ids=column, attention_mask=state.mask, position_ids=positions, past_key_values=state.cache, use_cache=True)
    state.logits = answer.logits[:, -1].float()


def continued(model: Any, prompts: Sequence[Sequence[int]], *, padding: int, pick: Pick, max_new_tokens: int) -> list[list[int]]:
    """Tokens after each prompt, one at a time, until `pick` ends the row; a row that has ended costs nothing more."""
    answers: list[list[int]] = [[] for _ in prompts]
    alive = list(range(len(prompts)))
    state = read(model, prompts, padding=padding)
    for step in range(max_new_tokens):
        logits = state.logits.double().cpu().numpy()
        tokens = [pick(row, logits[place]) for place, row in enumerate(alive)]
        places = [place for place, token in enumerate(tokens) if token >= 0]
        if len(places) < len(alive):
            if not places:
                break
            state.keep(places)
            alive, tokens = [alive[place] for place in places], [tokens[place] for place in places]
        for row, token in zip(alive, tokens, strict=True):
            answers[row].append(token)
        if step + 1 < max_new_tokens:
            _advance(model, state, tokens)
    return answers


def continued_alone(model: Any, prompt: Sequence[int], *, padding: int, pick: Callable[[Numbers], int], max_new_tokens: int) -> list[int]:
    """`continued` for one prompt, several tokens a pass where the answer repeats what was read (prompt look-up decoding).

    Drafts are what followed the last tokens earlier in prompt and answer; the model reads a draft in the time of one token, since a
    small batch waits for the weights to come from memory, and what it would not have said is taken back. (Saxena 2023, after
    Leviathan et al. 2023.) A search query is mostly names from its prompt, so this halves its time.
    """
    state = read(model, [prompt], padding=padding)
    token = pick(state.logits[0].double().cpu().numpy()) if max_new_tokens > 0 else -1
    answer: list[int] = []
    while token >= 0:
        answer.append(token)
        room = max_new_tokens - len(answer)
        if room == 0:
            break
        draft = _draft([*prompt, *answer], min(_DRAFT_TOKENS, room - 1))
        logits = _read_on(model, state, [token, *draft])
        token, kept = pick(logits[0]), 0
        while token >= 0 and kept < len(draft) and token == draft[kept]:
            answer.append(token)
            kept += 1
            token = pick(logits[kept])
        state.forget(len(draft) - kept)
    return answer


def _draft(tokens: Sequence[int], at_most: int) -> list[int]:
    """What followed the latest earlier place where the last tokens stand, the longest match that there is."""
    for size in _MATCHED:
        end = list(tokens[-size:])
        for start in range(len(tokens) - size - 1, -1, -1):
            if at_most > 0 and tokens[start + size - 1] == end[-1] and list(tokens[start : start + size]) == end:
                return list(tokens[start + size : start + size + at_most])
    return []


def _read_on(model: Any, state: Read, tokens: Sequence[int]) -> Numbers:
    """Read some more tokens of the one row: logits (tokens, vocabulary) of what follows each."""
    import torch

    row = torch.tensor([tokens], device=state.mask.device)
    state.mask = torch.cat([state.mask, torch.ones_like(row)], dim=1)
    with torch.inference_mode():
        positions = _positions(state.mask)[:, -len(tokens) :]
        answer = model(input_ids=row, attention_mask=state.mask, position_ids=positions, past_key_values=state.cache, use_cache=True)
    found: Numbers = answer.logits[0].double().cpu().numpy()
    return found


def likelihoods(model: Any, prompts: Sequence[Sequence[int]], choices: Sequence[Sequence[Sequence[int]]], *, padding: int) -> list[Numbers]:
    """Per prompt float64 (choices,): the log-likelihoods in nats of all tokens of each choice, summed. Each prompt is read once."""
    state = read(model, prompts, padding=padding)
    size, found = max(1, _CHOICES_AT_ONCE // len(prompts)), [list[float]() for _ in prompts]
    for start in range(0, max(map(len, choices)), size):
        parts = [own[start : start + size] for own in choices]
        for row, values in enumerate(_summed(model, state, parts, padding)):
            found[row] += values
    return [np.array(sums, np.float64) for sums in found]


def _summed(model: Any, state: Read, choices: Sequence[Sequence[Sequence[int]]], padding: int) -> list[list[float]]:
    """Log-likelihoods of choices that follow the prompts read. The first token of each needs no further pass.

    All choices of a prompt share its row, one after another, each seeing the prompt and itself only: the cache of the prompt
    is not copied per choice, which for twenty choices of a thirty-layer model takes longer than the choices themselves.
    """
    import torch

    first = torch.log_softmax(state.logits.double(), dim=1)
    sums = [[float(first[row, tokens[0]]) for tokens in own] for row, own in enumerate(choices)]
    longest = max(sum(len(tokens) - 1 for tokens in own) for own in choices)
    if longest == 0:
        return sums
    laid = np.array([_laid_out(own, longest, padding) for own in choices])
    tokens, targets, owners, offsets = (torch.from_numpy(laid[:, part]).to(state.mask.device) for part in range(4))
    positions = state.mask.sum(1, keepdim=True) + offsets
    with torch.inference_mode():
        logits = model(
            input_ids=tokens,
            attention_mask=_own_branch(state.mask, owners, offsets, model.dtype),
            position_ids=positions,
            past_key_values=_branch(state).cache,
            use_cache=True,
        ).logits.float()
        logs = (logits.gather(2, targets[:, :, None])[:, :, 0] - logits.logsumexp(2)).double().cpu().numpy()
    for row, own in enumerate(choices):
        rest = np.bincount(laid[row, 2][laid[row, 2] >= 0], weights=logs[row][laid[row, 2] >= 0], minlength=len(own))
        sums[row] = [begin + float(end) for begin, end in zip(sums[row], rest, strict=True)]
    return sums


def _laid_out(choices: Sequence[Sequence[int]], longest: int, padding: int) -> list[list[int]]:
    """The choices one after another: tokens to read, tokens that follow them, which choice (-1 is padding), place in the choice."""
    columns = [(token, after, index, place) for index, own in enumerate(choices) for place, (token, after) in enumerate(pairwise(own))]
    columns += [(padding, padding, -1, 0)] * (longest - len(columns))
    return [list(column) for column in zip(*columns, strict=True)]


def _own_branch(read_mask: "torch.Tensor", owners: "torch.Tensor", offsets: "torch.Tensor", dtype: Any) -> "torch.Tensor":
    """What each token may see, to be added to its attention (rows, 1, tokens, read and tokens): its prompt and its own choice so far."""
    import torch

    same = (owners[:, :, None] == owners[:, None, :]) & (offsets[:, None, :] <= offsets[:, :, None])
    seen = torch.cat([read_mask[:, None, :].bool().expand(-1, owners.shape[1], -1), same], dim=2)
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill(~seen, torch.finfo(dtype).min)[:, None]


def _branch(state: Read) -> Read:
    """A copy that can be continued while the original stays: a cache's tensors are replaced, never written, when tokens are added."""
    branch = Read(copy.copy(state.cache), state.mask, state.logits)
    branch.cache.layers = [copy.copy(layer) for layer in state.cache.layers]
    return branch


def trie_of(choices: Sequence[Sequence[int]]) -> Trie:
    """The tokens of all choices, each closed by its end mark; of choices with the same tokens the first one is meant."""
    root: Trie = {}
    for index, tokens in enumerate(choices):
        node = root
        for token in tokens[:-1]:
            below = node.setdefault(token, {})
            assert isinstance(below, dict)  # noqa: S101 - only an end mark leads to an index, and it is always last
            node = below
        node.setdefault(tokens[-1], index)
    return root


def led(model: Any, prompts: Sequence[Sequence[int]], choices: Sequence[Sequence[Sequence[int]]], *, padding: int) -> list[int]:
    """Greedy decoding that may only follow the trie of each prompt's choices: the index of the one at its end, whatever the logits."""
    nodes, answers = [trie_of(own) for own in choices], [-1] * len(prompts)
    longest = max(len(tokens) for own in choices for tokens in own)

    def pick(row: int, logits: Numbers) -> int:
        single = _only_index(nodes[row])
        if single is not None:
            answers[row] = single
            return -1
        allowed = list(nodes[row])
        token = allowed[int(np.argmax(np.nan_to_num(logits[allowed], nan=-np.inf)))]  # ties: the choice given first
        below = nodes[row][token]
        if isinstance(below, int):
            answers[row] = below
            return -1
        nodes[row] = below
        return token

    continued(model, prompts, padding=padding, pick=pick, max_new_tokens=longest)
    return answers


def _only_index(node: Trie) -> int | None:
    """The index below a node that leads to one choice only."""
    below: Trie | int = node
    while isinstance(below, dict):
        if len(below) > 1:
            return None
        below = next(iter(below.values()))
    return below

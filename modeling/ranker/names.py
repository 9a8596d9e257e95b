"""What rankers are called in settings. Stdlib only; who answers to a name, the graph decides."""

NOISY = "noisy_oracle_"  # followed by its accuracy, as 'noisy_oracle_0.5'
LANGUAGE_MODELS = ("generator", "base", "endpoint")  # the tuned generator, what query experts are tuned from as it is, an endpoint
NAMES = (*LANGUAGE_MODELS, "encoder", "named_most", "oracle")  # a frozen sentence encoder, a rule, and the ones that know the truth


def problem_of(name: str) -> str:
    """What is wrong with a ranker's name; nothing for a good one."""
    if name in NAMES or (name.startswith(NOISY) and _is_accuracy(name.removeprefix(NOISY))):
        return ""
    return f"no ranker {name!r}; there are {', '.join(NAMES)} and {NOISY}<accuracy from 0 to 1>"


def accuracy_of(name: str) -> float | None:
    """The accuracy that the name of a noisy oracle holds; None for any other ranker."""
    return float(name.removeprefix(NOISY)) if name.startswith(NOISY) else None


def _is_accuracy(text: str) -> bool:
    try:
        return 0.0 <= float(text) <= 1.0
    except ValueError:
        return False

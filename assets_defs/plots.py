"""Pictures for run metadata: Markdown with an inline PNG, which the Dagster UI shows without a file server."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any


def lines(x: Sequence[float], series: Mapping[str, Sequence[float]], *, xlabel: str) -> str:
    """One small panel per series over a common x axis."""
    figure, axes = _panels(len(series))
    for axis, (name, values) in zip(axes, series.items(), strict=False):
        axis.plot(x, values, marker=".")
        axis.set_title(name)
        axis.set_xlabel(xlabel)
    return _inline(figure)


def xy(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, xlabel: str, ylabel: str, reference: str = "") -> str:
    """All curves (x, y) in one panel; the one called `reference` is a dashed line to hold the others against."""
    from matplotlib import colormaps

    figure, (axis,) = _panels(1, size=(9, 5))
    palette = colormaps["tab10" if len(curves) <= 10 else "tab20"]  # no two curves in one colour
    axis.set_prop_cycle(color=palette(range(palette.N)))
    for name, (x, y) in curves.items():
        axis.plot(x, y, label=name, **({"color": "black", "linestyle": "--"} if name == reference else {}))
    axis.set_xlabel(xlabel)
    axis.set_ylabel(ylabel)
    axis.legend(fontsize="x-small")
    axis.grid(alpha=0.3)
    return _inline(figure)


def bars(groups: Mapping[str, Mapping[str, tuple[float, float, float]]], *, ylabel: str) -> str:
    """One panel per group; bars are (value, low, high) by name, drawn with their interval."""
    figure, axes = _panels(len(groups))
    for axis, (name, values) in zip(axes, groups.items(), strict=False):
        heights = [value for value, _, _ in values.values()]
        errors = [[value - low for value, low, _ in values.values()], [high - value for value, _, high in values.values()]]
        axis.bar(range(len(values)), heights, yerr=errors, capsize=3)
        axis.set_xticks(range(len(values)), list(values), rotation=30, ha="right")
        axis.set_title(name)
        axis.set_ylabel(ylabel)
    return _inline(figure)


def intervals(groups: Mapping[str, Mapping[str, tuple[float, float, float]]], *, xlabel: str) -> str:
    """One panel per group, a line per name, long names too: (value, low, high) as a point with its interval, the highest at the top."""
    most = max(map(len, groups.values()))
    figure, axes = _panels(len(groups), size=(8, 1 + 0.24 * most))
    for axis, (name, values) in zip(axes, groups.items(), strict=False):
        ordered = sorted(values.items(), key=lambda pair: pair[1][0])
        places = [value for _, (value, _, _) in ordered]
        errors = [[value - low for _, (value, low, _) in ordered], [high - value for _, (value, _, high) in ordered]]
        axis.errorbar(places, range(len(ordered)), xerr=errors, fmt="o", capsize=3)
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set_yticks(range(len(ordered)), [label for label, _ in ordered])
        axis.set_title(name)
        axis.set_xlabel(xlabel)
        axis.grid(alpha=0.3)
    return _inline(figure)


def _panels(count: int, size: tuple[float, float] = (4, 3.2)) -> tuple[Any, Sequence[Any]]:
    from matplotlib.figure import Figure  # the object interface: no display, no global state

    figure = Figure(figsize=(size[0] * count, size[1]), layout="constrained")
    return figure, [figure.add_subplot(1, count, position + 1) for position in range(count)]


def _inline(figure: Any) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return f"![plot](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})\n"

"""Pictures of what the map says, as SVG or PNG: through matplotlib, which is an extra."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tocsin.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["draw_hours", "draw_inoperability", "draw_ranks", "draw_shares"]

_FORMS: Final = frozenset({".svg", ".png"})


def draw_hours(path: str, sectors: Sequence[str], by_hour: Floats) -> None:
    """Draw the service that each sector loses, hour by hour (rows: sectors).

    Raises:
        UsageError: matplotlib is not installed, or the name ends in no form that we draw, or it cannot be written.
    """
    _steps(path, sectors, by_hour, "assets without service")


def draw_inoperability(path: str, sectors: Sequence[str], by_hour: Floats) -> None:
    """Draw the inoperability of each sector, hour by hour (rows: sectors). Raises as ``draw_hours``."""
    _steps(path, sectors, by_hour, "inoperability")


def _steps(path: str, sectors: Sequence[str], by_hour: Floats, what: str) -> None:
    figure, axes = _figure(path)
    lines = [axes.step(range(len(row)), row, where="post")[0] for row in by_hour]
    axes.set_xlabel("hour")
    axes.set_ylabel(what)
    axes.set_ylim(bottom=0)
    # with its lines given, a legend leaves out no name that begins with a stroke
    legend = axes.legend(lines, [name or "(no sector)" for name in sectors])
    _plainly(legend.get_texts())
    _save(figure, path)


def draw_ranks(path: str, names: Sequence[str], people_h: Floats) -> None:
    """Draw what each asset takes with it, the most first. Raises as ``draw_hours``."""
    figure, axes = _figure(path)
    axes.barh(range(len(names)), people_h)
    axes.set_yticks(range(len(names)), names)
    _plainly(axes.get_yticklabels())
    axes.invert_yaxis()
    axes.set_xlabel("people-hours")
    _save(figure, path)


def _plainly(texts: Sequence[Any]) -> None:
    """Take names as they are: a dollar sign in them begins no formula."""
    for text in texts:
        text.set_parse_math(False)


def _figure(path: str) -> tuple[Any, Any]:
    if Path(path).suffix not in _FORMS:
        raise UsageError("a picture is .svg or .png", where=path, todo="end its name so")
    try:
        figures = importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise UsageError("pictures need matplotlib", todo="pip install 'tocsin[plot]'") from error
    figure = figures.Figure(figsize=(8, 4.5), layout="constrained")
    return figure, figure.subplots()


def _save(figure: Any, path: str) -> None:  # noqa: ANN401  matplotlib is an extra, and has no types where it is not
    try:
        # without a date in it, the same picture is the same bytes
        figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None)
    except OSError as error:
        raise UsageError(f"it cannot be written: {error.strerror or error}", where=path) from error


def draw_shares(path: str, lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], across: str, up: str) -> None:
    """Draw lines by their names: shares above 0, of what rises. Raises as ``draw_hours``."""
    figure, axes = _figure(path)
    for name, (values, shares) in lines.items():
        axes.step(values, shares, where="post", label=name)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.set_yscale("log")
    axes.legend()
    _save(figure, path)

"""The tree of errors is drawn as it is, and its names are those in ``__all__``."""

from __future__ import annotations

import inspect
import re

import pytest

from tocsin import errors
from tocsin.errors import (
    AgreementError,
    CatalogueError,
    CatalogueFault,
    Fault,
    FaultsError,
    InputError,
    MapError,
    MapFault,
    Problem,
    ProjectError,
    ProjectFault,
    TocsinError,
)


def _classes() -> dict[str, type[TocsinError]]:
    return {
        name: found
        for name, found in inspect.getmembers(errors, inspect.isclass)
        if issubclass(found, TocsinError) and found.__module__ == errors.__name__
    }


def _drawn() -> dict[str, str | None]:
    """Return each class in the drawing, with the class that it hangs from."""
    assert errors.__doc__ is not None
    parents: dict[str, str | None] = {}
    path: list[tuple[int, str]] = []
    for line in errors.__doc__.splitlines():
        found = re.match(r"    ((?:[│├└─ ]{4})*)([A-Z]\w*Error)\b", line)
        if found is None:
            continue
        depth = len(found[1])
        path = [(at, name) for at, name in path if at < depth]
        parents[found[2]] = path[-1][1] if path else None
        path.append((depth, found[2]))
    return parents


def test_the_drawing_is_the_tree() -> None:
    real = {name: None if found is TocsinError else found.__mro__[1].__name__ for name, found in _classes().items()}
    assert _drawn() == real


def test_every_name_is_public_and_said() -> None:
    faults = {"CatalogueFault", "Fault", "MapFault", "Problem", "ProjectFault"}
    assert set(errors.__all__) == {*_classes(), *faults}
    assert errors.__all__ == sorted(errors.__all__)
    assert all(found.__doc__ for found in _classes().values())


def test_names_end_in_error() -> None:
    assert all(name.endswith("Error") for name in _classes())


# of each kind of faults one, and where it says that it stands
_FAULTS: dict[type[TocsinError], tuple[Fault, str]] = {
    FaultsError: (Fault(cause="it is short", expected="more"), ""),
    CatalogueError: (CatalogueFault(path="$.catalog", cause="found nothing", expected="an object"), "$.catalog: "),
    MapError: (
        MapFault(at="map.csv:3", asset="mill", group="power", supplier="line", cause="no such asset", expected="one"),
        "map.csv:3: 'mill' needs 'power' from 'line': ",
    ),
    ProjectError: (
        ProjectFault(project="wall", where="line", cause="no such asset", expected="one"),
        "project 'wall': line: ",
    ),
}


def test_a_fault_of_everything_has_no_place() -> None:
    for kind in (Fault, MapFault, ProjectFault):
        assert kind(cause="c", expected="e").place is None
        assert str(kind(cause="c", expected="e")) == "c; expected e"


@pytest.mark.parametrize("name", sorted(_classes()))
def test_each_says_what_where_and_what_to_do(name: str) -> None:
    kind = _classes()[name]
    if issubclass(kind, AgreementError):
        problem = Problem(where="a.yaml", line=3, column=7, found="x", expected="y", todo="write y")
        error: TocsinError = kind((problem, problem))
        assert str(error) == "a.yaml:3:7: found x; expected y, and 1 more (write y)"
        assert isinstance(error, InputError)
        return
    if issubclass(kind, FaultsError):
        one, place = _FAULTS[kind]
        said = kind((one, one))
        assert str(said) == f"{place}{one.cause}; expected {one.expected}, and 1 more"
        assert [str(fault) for fault in said.faults] == [str(said).removesuffix(", and 1 more")] * 2
        assert isinstance(said, InputError)
        return
    error = kind("it is so", where="there", todo="do this")
    assert str(error) == "there: it is so (do this)"
    assert str(kind("it is so")) == "it is so"
    assert (error.what, error.where, error.todo) == ("it is so", "there", "do this")
    assert not hasattr(error, "status")

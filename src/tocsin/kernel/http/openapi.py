"""The OpenAPI 3.1 document of a table of operations. Pure.

Every answer is in it: those of the operation, and the refusals that follow from what it asks of a request. Types come
from the structs that requests are read into and answers are written from, so that neither can say something else.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from tocsin.kernel.http.problem_details import PROBLEM, ProblemDetails
from tocsin.kernel.http.problems import title_of
from tocsin.kernel.http.routes import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tocsin.kernel.http.operations import Answer, Operation

__all__ = ["write_openapi"]

_REF: Final = "#/components/schemas/{name}"
_PROBLEM: Final = {"$ref": _REF.format(name=ProblemDetails.__name__)}
_TEXT: Final = {"type": "string"}

Document = dict[str, Any]  # JSON, whose shape the specification of OpenAPI names
_Refs: TypeAlias = "dict[type[msgspec.Struct], Document]"

# What each refusal says, where an operation has nothing more special to say.
_SAYS: Final = {
    HTTPStatus.BAD_REQUEST: "The request, its query or its framing is not in order.",
    HTTPStatus.UNAUTHORIZED: "We do not know who is asking.",
    HTTPStatus.FORBIDDEN: "These credentials lack a permission, or the asker may not do this.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take that method.",
    HTTPStatus.NOT_ACCEPTABLE: "We have no answer in a form that the request accepts.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "More than we take: of bytes, of values, or of something else that is named.",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The query has too many bytes.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "We do not take a body of this type.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The body is not what it should be.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong on our side; the operator knows it by the `error_id`.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Too much is waiting; try again after as many seconds as `Retry-After` says.",
}
_HEADERS: Final = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "How one may say who one is."},
    HTTPStatus.METHOD_NOT_ALLOWED: {"Allow": "The methods that this address takes."},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "After how many seconds to try again."},
}


def write_openapi(
    operations: Sequence[Operation[Any]], *, title: str, version: str, description: str, tags: Iterable[tuple[str, str]]
) -> bytes:
    """Return the document. ``version`` is the interface's own; ``tags`` are names with what they say."""
    types: list[type[msgspec.Struct]] = list(dict.fromkeys([ProblemDetails, *_types(operations)]))
    found, schemas = msgspec.json.schema_components(types, ref_template=_REF)
    # by type and not by name: where two have one name, each is called by where it stands
    refs: _Refs = dict(zip(types, found, strict=True))
    paths: dict[str, Document] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, refs)
    document = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": says} for name, says in tags],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "`party` or `user@party`, and a token"},
                "bearer": {"type": "http", "scheme": "bearer", "description": "a token"},
            },
        },
    }
    return msgspec.json.encode(document)


def _types(operations: Sequence[Operation[Any]]) -> Iterator[type[msgspec.Struct]]:
    for one in operations:
        yield from (answer.type for answer in one.answers.values() if answer.type is not None)
        if one.takes is not None:
            yield one.takes


def _operation(one: Operation[Any], refs: _Refs) -> Document:
    answers = {str(int(status)): _answer(answer, refs) for status, answer in one.answers.items()}
    problems = _problems(one)
    refusals = {str(int(status)): _refusal(status, says) for status, says in sorted(problems.items())}
    told: Document = {
        "operationId": one.id,
        "tags": [one.tag],
        "summary": one.summary,
        "parameters": [*_parts(one), *_query(one), *_headers(one)],
        "responses": answers | refusals,
        "security": [] if one.does.access.anyone else [{"basic": []}, {"bearer": []}],
    }
    needed = [f"`{name}`" for name in sorted(one.does.access.permissions)]
    either = " or ".join(f"`{name}`" for name in sorted(one.does.access.one_of))
    permissions = f"Permissions: {', '.join([*needed, either] if either else needed)}." if needed or either else ""
    description = "\n\n".join(text for text in (one.says, permissions) if text)
    if description:
        told["description"] = description
    if one.takes is not None and isinstance(one.does, Endpoint) and one.does.body is not None:
        content = {media.spelt: {"schema": refs[one.takes]} for media in one.does.body.types}
        told["requestBody"] = {"required": True, "content": content}
    return told


def _problems(one: Operation[Any]) -> dict[HTTPStatus, str]:
    """Return every refusal that can come, with what it says."""
    found = {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
    if not one.does.access.anyone:
        found.add(HTTPStatus.UNAUTHORIZED)
        found.add(HTTPStatus.FORBIDDEN)
    if isinstance(one.does, Endpoint) and one.does.body is not None:
        found |= {
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        }
    if one.query.__struct_fields__:
        found.add(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)  # of values in one filter
    return {status: _SAYS[status] for status in found} | dict(one.problems)


def _answer(answer: Answer, refs: _Refs) -> Document:
    told: Document = {"description": answer.says}
    if answer.headers:
        told["headers"] = _described(answer.headers.items())
    if answer.type is not None:
        told["content"] = {answer.media_type: {"schema": refs[answer.type]}}
    elif answer.media_type:
        told["content"] = {answer.media_type: {"schema": _TEXT}}
    return told


def _refusal(status: HTTPStatus, says: str) -> Document:
    told: Document = {
        "description": f"{title_of(status)}. {says}",
        "content": {PROBLEM: {"schema": _PROBLEM}},
    }
    if status in _HEADERS:
        told["headers"] = _described(_HEADERS[status].items())
    return told


def _described(headers: Iterable[tuple[str, str]]) -> Document:
    return {name: {"description": says, "required": True, "schema": _TEXT} for name, says in headers}


def _parts(one: Operation[Any]) -> list[Document]:
    parameters = []
    for name, part in one.parts.items():
        schema: Document = dict(_TEXT) | {"minLength": 1}
        if part.pattern is not None:
            schema["pattern"] = part.pattern
        if part.longest is not None:
            schema["maxLength"] = part.longest
        parameters.append(
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": part.says,
                "schema": schema,
                "example": part.example,
            }
        )
    return parameters


def _query(one: Operation[Any]) -> list[Document]:
    (_,), components = msgspec.json.schema_components([one.query], ref_template=_REF)
    shape = components[one.query.__name__]
    required = set(shape.get("required", ()))
    parameters = []
    for name, schema in shape["properties"].items():
        inner = dict(_inlined(schema, components))
        says = inner.pop("description", "")
        if inner.get("default") in (None, []):
            inner.pop("default", None)  # what is not given is not asked
        parameters.append(
            {"name": name, "in": "query", "required": name in required, "description": says, "schema": _given(inner)}
        )
    return parameters


def _given(schema: Document) -> Document:
    """Return the schema of a value that stands in a URL: there is no null there, a parameter is simply not given."""
    kinds = schema.get("anyOf")
    if kinds is None:
        return schema
    rest = [kind for kind in kinds if kind != {"type": "null"}]
    others = {name: value for name, value in schema.items() if name != "anyOf"}
    return others | (rest[0] if len(rest) == 1 else {"anyOf": rest})


def _inlined(schema: Any, components: Document) -> Any:  # noqa: ANN401  any JSON
    """Return a schema without references: a parameter's are small, and tools read them better so."""
    if isinstance(schema, list):
        return [_inlined(one, components) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(components[schema["$ref"].rsplit("/", 1)[1]], components)
    return {name: _inlined(value, components) for name, value in schema.items() if name != "title"}


def _headers(one: Operation[Any]) -> list[Document]:
    return [
        {"name": "-".join(word.capitalize() for word in name.split("-")), "in": "header", "schema": _TEXT}
        for name in sorted(one.does.headers)
    ]

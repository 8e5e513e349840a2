"""The OpenAPI document: Litestar's, corrected.

Litestar documents a 400 that this application never answers, headers without a schema, which OpenAPI forbids, and
bodies that allow more than pydantic accepts.
"""

import sys
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any, Final

from litestar import Litestar
from litestar.handlers import BaseRouteHandler
from litestar.routes import HTTPRoute
from pydantic import BaseModel

from app.core.auth.middleware import PUBLIC
from app.core.http.body.dto import BodyDTO
from app.core.http.docs.examples import body_example
from app.core.http.docs.problems import ERRORS, reference_to, shared_response, statuses_of
from app.core.http.docs.schemas import body_schemas, parameter_schema, struct_schemas, tidied
from app.core.http.problems import Problem
from app.core.http.resource.query import described_parameters, query_parameters

Part = dict[str, Any]

BEARER: Final = "bearerAuth"
_WITHOUT_MEANING: Final = ("deprecated", "required", "allowEmptyValue", "allowReserved")  # when they are false


def document_of(app: Litestar, root_path: str = "") -> Part:
    """Return the document of an application, for this root path."""
    document: Part = tidied(app.openapi_schema.to_schema())
    operations = [(document["paths"][path][method], handler) for path, method, handler in _handlers_of(app)]
    models = {model for _, handler in operations if (model := _body_of(handler))}
    names, schemas = body_schemas(sorted(models, key=lambda model: model.__qualname__))
    components = document["components"]
    schemas = tidied({**components["schemas"], **schemas, **struct_schemas(Problem)})
    components["schemas"] = dict(sorted(schemas.items()))
    for operation, handler in operations:
        _describe_request(operation, handler, schemas, names.get(_body_of(handler)))  # type: ignore[arg-type]
        _describe_responses(operation, handler)
        operation["security"] = [] if handler.opt.get(PUBLIC) else [{BEARER: []}]
    used = {status for operation, handler in operations for status in statuses_of(operation, handler)}
    components["responses"] = {ERRORS[status].name: shared_response(status) for status in sorted(used)}
    document["tags"] = list(_tags_of(operations))
    document["servers"] = [{"url": root_path or "/"}]
    return document


def _handlers_of(app: Litestar) -> Iterator[tuple[str, str, BaseRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if handler.resolve_include_in_schema():
                    yield route.path_format, method.lower(), handler


def _body_of(handler: BaseRouteHandler) -> type[BaseModel] | None:
    field, reader = handler.parsed_data_field, handler.resolve_data_dto()
    if field is None or reader is None or not issubclass(reader, BodyDTO) or not field.is_subclass_of(BaseModel):
        return None
    model: type[BaseModel] = field.annotation
    return model


def _describe_request(operation: Part, handler: BaseRouteHandler, schemas: Part, body: str | None) -> None:
    _drop_meaningless(operation)
    for parameter in operation.get("parameters", ()):
        _drop_meaningless(parameter)
        query = query_parameters(handler).get(parameter["name"]) if parameter["in"] == "query" else None
        schema = parameter["schema"] = parameter_schema(parameter["schema"], query)
        schema.pop("description", None)  # the parameter has it
        # Generated clients send each default, so only defaults that help a reader stay.
        if parameter["in"] == "header" or not schema.get("default"):
            schema.pop("default", None)
    if described := described_parameters(handler):
        # Litestar sorts by place: the path, the query, the headers.
        own = operation.get("parameters", [])
        headers = [parameter for parameter in own if parameter["in"] == "header"]
        others = [parameter for parameter in own if parameter["in"] != "header"]
        documented = [parameter.documented() for parameter in described.values()]
        operation["parameters"] = [*others, *documented, *headers]
    if body:
        example = body_example(schemas[body], schemas)
        schema = {"$ref": f"#/components/schemas/{body}"}
        operation["requestBody"]["content"] = {"application/json": {"schema": schema, "example": example}}


def _describe_responses(operation: Part, handler: BaseRouteHandler) -> None:
    responses = operation["responses"]
    responses.pop("400", None)
    for response in responses.values():
        for header in response.get("headers", {}).values():
            _drop_meaningless(header)
            header.setdefault("schema", {"type": "string"})
        if not response.get("headers", True):
            del response["headers"]
    for status in statuses_of(operation, handler):
        responses.setdefault(str(status), reference_to(status))
    for status, response in responses.items():
        if "$ref" not in response and int(status) in ERRORS:  # declared by the handler, with its own description
            shared = shared_response(int(status))
            has_example = any("examples" in media for media in response.get("content", {}).values())
            responses[status] = shared | (response if has_example else {"description": response["description"]})
    operation["responses"] = dict(sorted(responses.items()))


def _tags_of(operations: list[tuple[Part, BaseRouteHandler]]) -> Iterator[Part]:
    # The description is the docstring of the controller, or of the module, that uses the tag first.
    texts: dict[str, str] = {}
    for operation, handler in operations:
        controller = getattr(handler.fn, "__self__", None)
        described = type(controller) if controller else sys.modules[handler.fn.__module__]
        for tag in operation.get("tags", ()):
            texts.setdefault(tag, cleandoc(described.__doc__ or ""))
    return ({"name": tag, "description": text} for tag, text in texts.items())


def _drop_meaningless(part: Part) -> None:
    for name in _WITHOUT_MEANING:
        if part.get(name) is False:
            del part[name]

"""The document tells the truth: what it allows is accepted, what it forbids is refused, and its examples work."""

import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import pytest
from openapi_schema_validator import OAS31Validator

from tests.core.http.docs.reading import Part, operations
from tests.library import Answer, Library

pytestmark = pytest.mark.any_database

TEXTS: Final = ("", "x", " ", "\n", "\t x ", "\u00a0", "\u3000", "\x1f", "\ufeff", "\u200b", "a\x00b", "\x00", "Ü🥛")
NUMBERS: Final = (0, 1, -1, 0.5, 5, 5.1, 2**53 - 1, 2**53, -(2**53), 2**63 - 1, 2**63, -(2**63), 1e22, 10**30)
OTHERS: Final[tuple[Any, ...]] = (None, True, [], [""], ["x"], ["x"] * 4, [1], [None], ["too long"], {}, {"a": 1})
WITHIN: Final = ("novel", "poems", "soft", "hard", "as new", "worn", "other")
SHAPED: Final = ("2024-02-29", "2024-02-29T12:00:00Z", "0190a5d2-1c4e-7b3a-9f60-5d2c8e7a4b11")
FORMATS: Final = {"date": SHAPED[:1], "date-time": SHAPED[1:2], "uuid": SHAPED[2:]}
# JSON Schema counts 1.0 among the integers; no client writes one so.
VALUES: Final = (
    *TEXTS,
    *("x" * length for length in (50, 51, 200, 201, 5000, 5001)),
    *NUMBERS,
    *OTHERS,
    *WITHIN,
    *SHAPED,
)


class Schemas:
    """The schemas of a document, each ready to judge a body."""

    def __init__(self, document: Part) -> None:
        self.fields: dict[str, Part] = {}
        self._validators: dict[str, OAS31Validator] = {}
        for name, schema in document["components"]["schemas"].items():
            self.fields[name] = schema
            self._validators[name] = OAS31Validator({**schema, "components": document["components"]})

    def allow(self, name: str, body: Part) -> bool:
        """Tell whether a schema allows a body, a text of a certain form included."""
        forms = {key: field["format"] for key, field in self.fields[name]["properties"].items() if "format" in field}
        texts = ((key, value) for key, value in body.items() if isinstance(value, str))
        is_formed = all(value in FORMATS.get(forms.get(key, ""), (value,)) for key, value in texts)
        return is_formed and bool(self._validators[name].is_valid(body))


def written_to(document: Part) -> Iterator[tuple[str, str, str]]:
    """Yield method, path and name of the schema of each operation that has a body."""
    for path, method, operation in operations(document):
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            yield method.upper(), path, schema["$ref"].rpartition("/")[2]


def is_accepted(answer: Answer) -> bool:
    """Tell whether a body was taken for valid; what is stored already is nothing that a document could know."""
    kinds = {error["type"] for error in (answer.body or {}).get("errors", ())}
    return answer.status < 400 or answer.status == 409 or kinds == {"reference"}


@pytest.fixture(scope="module")
def rows(library: Library) -> dict[str, int]:
    """A row of each resource, by its path."""
    bodies = {f"/api/{nouns}": {"name": "of truth"} for nouns in ("projects", "sample-buildings", "sample-shelves")}
    bodies |= {"/api/tasks": {"title": "A"}}
    found = {path: library.ask("POST", path, body, "truth").body["id"] for path, body in bodies.items()}
    book = {"title": "A", "pages": 1, "shelf_id": found["/api/sample-shelves"]}
    return found | {"/api/sample-books": library.ask("POST", "/api/sample-books", book, "truth").body["id"]}


def test_a_body_is_accepted_exactly_where_the_document_allows_it(library: Library, rows: dict[str, int]) -> None:
    document = library.document()
    schemas = Schemas(document)
    asked, accepted = 0, 0
    for method, path, schema in written_to(document):
        if method == "PUT" or "sample" not in path:
            continue  # it is PATCH; and fields like those of other nouns are here as well
        needed = {"name": "x", "title": "x", "pages": 1, "shelf_id": rows["/api/sample-shelves"]}
        base = {name: needed[name] for name in schemas.fields[schema].get("required", ())}
        there = path.replace("{id}", str(rows[path.removesuffix("/{id}")]))
        for name in [*schemas.fields[schema]["properties"], "unknown"]:
            for value in VALUES:
                body = base | {name: value}
                answer = library.ask(method, there, body, "truth")
                asked, accepted = asked + 1, accepted + is_accepted(answer)

                assert is_accepted(answer) is schemas.allow(schema, body), (method, there, body, answer.body)
    assert 100 < accepted < asked - 100


IN_QUERIES: Final = ("true", "x", "", "2024-02-29", "novel", "worn", SHAPED[1], SHAPED[2], "-1.5")
LIMITS: Final = (("minimum", 0), ("minimum", -1), ("maximum", 0), ("maximum", 1))


def allows(schema: Part, text: str) -> bool:
    """Tell whether a schema allows the value that a text in a query stands for."""
    if "anyOf" in schema:
        return any(allows(part, text) for part in schema["anyOf"])
    if schema["type"] == "array":
        return allows(schema["items"], text)
    if schema["type"] == "string":
        return bool(OAS31Validator(schema).is_valid(text)) and text in FORMATS.get(schema.get("format", ""), (text,))
    try:
        return bool(OAS31Validator(schema).is_valid(json.loads(text)))
    except ValueError:
        return False


def test_a_parameter_is_accepted_exactly_as_it_is_documented(library: Library) -> None:
    asked, accepted = 0, 0
    for path, method, operation in operations(library.document()):
        for parameter in operation.get("parameters", ()) if method == "get" and "{" not in path else ():
            name, schema = parameter["name"], parameter["schema"]
            if parameter["in"] != "query" or name in {"after", "before", "sort", "fields", "q"}:
                continue
            limits = [str(schema[key] + step) for key, step in LIMITS if key in schema]
            for text in (*limits, *IN_QUERIES):
                status = library.ask("GET", f"{path}?{name}={quote(text, safe='%')}", user="without-rows").status
                asked, accepted = asked + 1, accepted + (status == 200)

                assert status == (200 if allows(schema, text) else 422), (path, name, text)
    assert 100 < accepted < asked - 100


def test_the_example_of_a_body_works_and_changes_only_what_it_says(library: Library, rows: dict[str, int]) -> None:
    document = library.document()
    schemas = Schemas(document)
    tried = 0
    for path, method, operation in operations(document):
        if "requestBody" not in operation or path.removesuffix("/{id}") not in rows:
            continue
        content = operation["requestBody"]["content"]["application/json"]
        example: dict[str, Any] = content["example"]
        assert schemas.allow(content["schema"]["$ref"].rpartition("/")[2], example)
        there = path.replace("{id}", str(rows[path.removesuffix("/{id}")]))
        before = library.ask("GET", there, None, "truth").body
        given = {name: rows["/api/sample-shelves"] if name == "shelf_id" else value for name, value in example.items()}
        answer = library.ask(method.upper(), there, given, "truth")
        tried += 1

        assert answer.status in {200, 201}, answer.body
        if method != "post":
            assert len(example) == 1
            changed = {name for name in before if before[name] != answer.body[name]}
            assert changed <= {*example, "updated_at"}
        else:
            library.ask("DELETE", answer.headers["location"], None, "truth")
    assert tried == 15


def test_the_answers_are_as_they_are_documented(library: Library, rows: dict[str, int]) -> None:
    document = library.document()
    for path, row_id in rows.items():
        answer = library.ask("GET", f"{path}/{row_id}", None, "truth")
        documented = document["paths"][f"{path}/{{id}}"]["get"]["responses"]["200"]["content"]["application/json"]
        root = {**documented["schema"], "components": document["components"]}

        OAS31Validator(root).validate(answer.body)

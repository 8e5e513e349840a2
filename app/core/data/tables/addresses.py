"""Addresses: texts that are an e-mail address or the URL of a web page."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, GetJsonSchemaHandler, HttpUrl, TypeAdapter, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

# With "//", which parsers of URLs add, and without spaces and control characters, which they remove.
_URL: Final = re.compile(r"https?://[^\s\\\x00-\x20\x7f]+", re.IGNORECASE)
_PARSED_URL: Final[TypeAdapter[Any]] = TypeAdapter(HttpUrl)
_MAX_EMAIL: Final = 320  # characters that are read; an address has at most 254


@dataclass(frozen=True)
class Format:
    """The format of a text in JSON Schema."""

    name: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "format": self.name}


def _email(text: str) -> str:
    try:
        return validate_email(text[:_MAX_EMAIL], check_deliverability=False).normalized
    except EmailNotValidError:
        raise PydanticCustomError("email", "Input should be an e-mail address") from None


def _url(text: str) -> str:
    try:
        is_url = _URL.fullmatch(text) and _PARSED_URL.validate_python(text)
    except ValidationError:
        is_url = None
    if not is_url:
        raise PydanticCustomError("url", "Input should be an http or https URL")
    return text


EMAIL: Final = Format("email")
URI: Final = Format("uri")

Email = Annotated[str, AfterValidator(_email), EMAIL]
"""An e-mail address, stored with its domain in lower case and in Unicode's form NFC; nobody asks whether it exists."""

Url = Annotated[str, AfterValidator(_url), URI]
"""An http or https URL, stored as it was sent."""

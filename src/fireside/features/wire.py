"""What the features' HTTP forms share.

A feature declares the refusals that are its own; `http.openapi` adds the rest.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

Responses = dict[int | str, dict[str, Any]]


class Wire(BaseModel):
    """Base of the forms: camelCase, no type is taken for another, and fields that are not ours are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, strict=True)


def json_answer(status: int, description: str, schema: dict[str, Any]) -> Responses:
    """Documents an answer that is encoded by hand."""
    return {status: {"description": description, "content": {"application/json": {"schema": schema}}}}

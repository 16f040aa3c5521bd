"""From plain data to the model; what pydantic objects to becomes problems that people understand, with their lines."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .model import Config
from .origin import Loc, Origin, Problem, did_you_mean, locate

_WORDS = {
    "missing": "is missing",
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_parsing": "expected a number",
    "float_type": "expected a number",
    "bool_parsing": "expected true or false",
    "bool_type": "expected true or false",
    "string_type": "expected text",
    "tuple_type": "expected a list",
    "dict_type": "expected a mapping",
    "model_type": "expected a mapping",
    "model_attributes_type": "expected a mapping",
}
_SHOWN = 60
_BRANCHES = ("connect", "send", "expect", "comment", "literal")


def validate(data: Mapping[str, Any], origins: Mapping[Loc, Origin]) -> tuple[Config | None, list[Problem]]:
    """The model, or None with one problem for every part of the data that does not fit it."""
    try:
        return Config.model_validate(data), []
    except ValidationError as error:
        return None, _problems(error, origins)


def _problems(error: ValidationError, origins: Mapping[Loc, Origin]) -> list[Problem]:
    found: dict[Loc, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        # The branches of a union each object in their own words, under a location that names the branch.
        found.setdefault(_without_branches(details["loc"]), []).append(details)
    problems = []
    for loc, group in found.items():
        details = group[0]
        extra = details["type"] == "extra_forbidden"
        hint = did_you_mean(str(loc[-1]), _fields(loc[:-1])) if extra else ""
        problems.append(Problem(locate(origins, loc), f"{path(loc)}: {_message(group)}", hint))
    return problems


def path(loc: Loc) -> str:
    """A place in the model as people write it: `backends[0].servers[2].port`."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the file"


def _message(group: list[ErrorDetails]) -> str:
    details = group[0]
    kind, given = details["type"], details["input"]
    if kind == "extra_forbidden":
        return "unknown word"
    if kind == "missing":
        return _WORDS[kind]
    if len(group) > 1 or kind.startswith(("ip_", "is_instance")):
        message = _addresses(group)
    elif kind == "value_error":
        message = str(details["ctx"]["error"])
    else:
        message = _WORDS.get(kind) or _lower(details["msg"].removeprefix("Input "))
    shown = "" if isinstance(given, dict | list) else f", got {_shown(given)}"
    return message + ("" if _shown(given) in message else shown)


def _addresses(group: list[ErrorDetails]) -> str:
    kinds = " ".join(details["type"] for details in group)
    if "interface" in kinds:
        return "expected an IP address with a prefix length, such as 10.0.0.100/24"
    if "ip_" in kinds:
        return "expected an IP address"
    return " or ".join(dict.fromkeys(_lower(details["msg"].removeprefix("Input ")) for details in group))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _shown(given: object) -> str:
    text = repr(given) if isinstance(given, str) else str(given)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _without_branches(loc: Loc) -> Loc:
    """The location without what pydantic adds for unions: names of types, and tags of the check steps."""
    kept: list[str | int] = []
    for part in loc:
        known = isinstance(part, int) or not kept or part in _fields(tuple(kept))
        if known or not _is_branch(part):
            kept.append(part)
    return tuple(kept)


def _is_branch(part: str | int) -> bool:
    text = str(part)
    return text[:1].isupper() or "[" in text or "-" in text or text in _BRANCHES


def _fields(loc: Loc) -> Iterator[str]:
    """The words that may stand at a place of the model."""
    models: list[type[BaseModel]] = [Config]
    for part in loc:
        if not isinstance(part, int):
            models = [inner for model in models if part in model.model_fields
                      for inner in _models(model.model_fields[part].annotation)]
    return iter({name for model in models for name in model.model_fields})


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]

"""pyha's own language: the model as YAML. What can be said in it is what the model has (docs/manual/configuration.md).

Read with ruamel.yaml because it keeps the line of every node, so that what pydantic objects to is found in the file.
"""

from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from .base import FOR_PEOPLE
from .draft import Draft
from .model import Config
from .origin import Loc, Origin
from .source import Source

_HEADING = "# pyha's own language; docs/manual/configuration.md explains every word.\n"
_SHORTCUTS = {"kernel_path": ("settings", "kernel_path")}
"""What may stand at the top although the model keeps it deeper."""


def translate(source: Source) -> Draft:
    """One pyha.yaml as plain data with the line of every part. Nothing is validated here."""
    draft = Draft()
    try:
        tree = YAML(typ="rt", pure=True).load(source.text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        draft.error(Origin(source.path, mark.line + 1 if mark else 0), f"this is not YAML: {_sentence(error)}")
        return draft
    except (YAMLError, ValueError) as error:  # a character that YAML forbids; a number that cannot be one
        draft.error(Origin(source.path), f"this is not YAML: {str(error).splitlines()[0]}")
        return draft
    if tree is None:
        return draft
    if not isinstance(tree, CommentedMap):
        draft.error(Origin(source.path, 1), "expected a mapping with settings, frontends, backends and vrrp")
        return draft
    draft.origins[()] = Origin(source.path)
    for loc, line in _lines(tree, ()):
        draft.origins[_place(loc)] = Origin(source.path, line)
    draft.data = {key: _plain(value) for key, value in tree.items() if key not in _SHORTCUTS}
    for key, (section, field) in _SHORTCUTS.items():
        if key in tree:
            settings = draft.data.setdefault(section, {})
            if isinstance(settings, dict):
                settings[field] = tree[key]
    return draft


def dump(config: Config) -> str:
    """The YAML that means this configuration: what is not there has its default. `translate` reads it back."""
    data = config.model_dump(mode="json", exclude_defaults=True, context=FOR_PEOPLE)
    _name_actions(config, data)
    out = StringIO()
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    if data:
        yaml.dump(data, out)
    return _HEADING + out.getvalue()


def _name_actions(config: Config, data: dict[str, Any]) -> None:
    """Put back what tells the kinds of check steps apart: being a default, it was left out."""
    for backend, written in zip(config.backends, data.get("backends", ()), strict=True):
        steps = written.get("health", {}).get("steps", ())
        for number, (step, fields) in enumerate(zip(backend.health.steps, steps, strict=True)):
            steps[number] = {"action": step.action, **fields}


def _sentence(error: MarkedYAMLError) -> str:
    return " ".join(part for part in (error.context, error.problem) if part)


def _place(loc: Loc) -> Loc:
    first = loc[0]
    return (*_SHORTCUTS[first], *loc[1:]) if isinstance(first, str) and first in _SHORTCUTS else loc


def _lines(node: object, loc: Loc) -> Iterator[tuple[Loc, int]]:
    """Every part of the tree with its line, which counts from 1."""
    if isinstance(node, CommentedMap):
        for key, value in node.items():
            here = (*loc, key if isinstance(key, int) else str(key))
            yield here, node.lc.key(key)[0] + 1
            yield from _lines(value, here)
    elif isinstance(node, CommentedSeq):
        for index, value in enumerate(node):
            here = (*loc, index)
            yield here, node.lc.item(index)[0] + 1
            yield from _lines(value, here)


def _plain(node: object) -> object:
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_plain(value) for value in node]
    return node

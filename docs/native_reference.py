"""Writes docs/manual/configuration.md: every word of pyha.yaml, from the model's own source (`make docs` calls it)."""

import ast
import inspect
import io
import tokenize
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal, get_args, get_origin

from pydantic import BaseModel

from pyha.config import base, health_model, model, rules_model, vrrp_model
from pyha.config.base import Frozen

_NAMES = {"str": "text", "int": "number", "bool": "true | false", "float": "number", "Duration": "duration",
          "Interval": "duration above 0", "AdvertInterval": "duration, 10ms..255s", "Port": "1..65535",
          "Positive": "number from 1", "IPAddress": "IP address", "IPv4Interface": "IPv4 address/length",
          "IPv6Interface": "IPv6 address/length", "IPv4Address": "IPv4 address", "IPv6Address": "IPv6 address"}
TARGET = Path(__file__).parent / "manual/configuration.md"

HEADING = """\
# pyha.yaml, pyha's own language

What `pyha translate` prints and `pyha run -c` reads. It says the same things as the two old files, in one place and
with one meaning each; what is left out has its default. Durations are written `500ms`, `3s`, `5m`, `1h`; a bare number
counts in milliseconds (of `advert_int`: hundredths of a second). A word that does not exist is an error, with its line
and the nearest word that does.

```yaml
frontends:
  - name: apiserver
    binds:
      - host: 0.0.0.0
        port: 8443
    default_backend: apiservers
    timeout_client: 35s
backends:
  - name: apiservers
    balance: {algorithm: leastconn}
    timeout_connect: 2s
    timeout_server: 35s
    health:
      kind: http
      steps:
        - {action: connect, tls: true}
        - {action: send, method: GET, uri: /readyz}
        - {action: expect, match: status, pattern: '200'}
    servers:
      - {name: m1, host: 10.0.0.1, port: 6443, check: {inter: 2s, fall: 2}}
      - {name: m2, host: 10.0.0.2, port: 6443, check: {inter: 2s, fall: 2}}
vrrp:
  scripts:
    - {name: balancer, argv: [/usr/bin/killall, '-0', haproxy], balancer: true}
  routers:
    - name: VI_1
      interface: ens160
      vrid: 51
      priority: 101
      addresses:
        - {interface: 10.0.0.100/24}
      track_scripts:
        - {name: balancer}
```

The words below are grouped by where they stand. This part is written from the program's source.
"""


def render() -> str:
    """The whole page."""
    parts = [HEADING]
    found = [pair for module in (model, rules_model, health_model, vrrp_model) for pair in _models(module)]
    found.sort(key=lambda pair: pair[0] is not model.Config)  # what stands at the top comes first
    parts += [_section(kind, comments) for kind, comments in found]
    return "\n".join(parts)


def _models(module: ModuleType) -> list[tuple[type[BaseModel], dict[str, str]]]:
    """The models of a module in the order of its source, with the comment beside each field."""
    source = inspect.getsource(module)
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    remarks = {token.start[0]: token.string.lstrip("# ") for token in tokens
               if token.type == tokenize.COMMENT and not token.string.startswith("# --")}
    found = []
    for node in ast.parse(source).body:
        kind = getattr(module, node.name) if isinstance(node, ast.ClassDef) else None
        if kind is None or not issubclass(kind, Frozen):
            continue
        comments = {}
        for field in ast.walk(node):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                lines = range(field.lineno, (field.end_lineno or field.lineno) + 1)
                comments[field.target.id] = " ".join(remarks[line] for line in lines if line in remarks)
        found.append((kind, comments))
    return found


def _section(kind: type[BaseModel], comments: dict[str, str]) -> str:
    rows = [f"## {kind.__name__}", "", inspect.cleandoc(kind.__doc__ or ""), "",
            "| word | takes | default | |", "|---|---|---|---|"]
    for name, field in kind.model_fields.items():
        default = "**needed**" if field.is_required() else _shown(field.default)
        rows.append(f"| `{name}` | {_kind(kind, name)} | {default} | {_cell(comments.get(name, ''))} |")
    return "\n".join(rows) + "\n"


def _kind(kind: type[BaseModel], name: str) -> str:
    for ancestor in kind.__mro__:
        annotation = inspect.get_annotations(ancestor).get(name) if ancestor is not object else None
        if annotation is not None:
            return f"`{_cell(_named(annotation))}`"
    return ""


def _named(annotation: object) -> str:
    """A type as people write it."""
    for name, value in vars(base).items():
        if value is annotation and name in _NAMES:
            return _NAMES[name]
    if isinstance(annotation, type):
        return _NAMES.get(annotation.__name__, annotation.__name__)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _named(arguments[0]) if not isinstance(arguments[0], type) else _within(annotation)
    words = [_named(argument) if argument is not ... else "..." for argument in arguments if argument is not type(None)]
    if origin is tuple:
        return f"list of {words[0]}" if words[-1] == "..." else f"[{', '.join(words)}]"
    if origin is Literal:
        return " | ".join(str(argument) for argument in arguments)
    return " | ".join(words) if words else str(annotation)


def _within(annotation: object) -> str:
    """A number with its limits: `1..255`."""
    limits = {type(limit).__name__: limit for field in get_args(annotation)[1:]
              for limit in getattr(field, "metadata", ())}
    low, high = getattr(limits.get("Ge"), "ge", None), getattr(limits.get("Le"), "le", None)
    return f"{low}..{high}" if high is not None else f"number from {low}" if low is not None else "number"


def _shown(default: object) -> str:
    """How a default is written: `none` where leaving the word out is the only way to say it."""
    if isinstance(default, BaseModel):
        return "its defaults"
    if default in (None, (), ""):
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write the page."""
    TARGET.write_text(render())


if __name__ == "__main__":
    main()

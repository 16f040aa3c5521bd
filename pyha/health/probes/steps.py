"""What the kinds of check share: the connection that comes first, and the configured `connect` steps."""

import re

from pyha.config.model import Check, CheckConnect, CheckRemark, CheckStep
from pyha.health.dialogue import Connect


def first_connect(check: Check) -> Connect:
    """The connection that no rule asks for: as the server line says."""
    return Connect(host=check.host, port=check.port, tls=check.tls, explicit=False, proxy=check.send_proxy)


_IMPLIED = CheckConnect(default=True)
"""What the translators write where the rules say nothing about connecting; it does not count as a step."""


def connect(step: CheckConnect, check: Check, *, first: bool = False) -> Connect:
    """A `connect` rule: plain unless it says `ssl`; the server line's options count where it says `default`."""
    if first and step == _IMPLIED:
        return first_connect(check)
    tls = None
    if step.tls:
        # `verify` and `ca-file` of the server line count, whether or not it says check-ssl.
        tls = check.tls or check.tls_options
        tls = tls.model_copy(update={"sni": step.sni or (tls.sni if step.default else None),
                                     "alpn": step.alpn or (tls.alpn if step.default else ())})
    elif step.default:
        tls = check.tls
    proxy = check.send_proxy if step.default else "v1" if step.send_proxy else "no"
    return Connect(host=step.host or check.host, port=step.port or check.port, tls=tls, proxy=proxy,
                   comment=step.comment)


def compiled(pattern: str) -> re.Pattern[bytes]:
    """A regular expression over bytes. Raises ValueError with a sentence."""
    try:
        return re.compile(pattern.encode())
    except re.error as error:
        raise ValueError(f"'{pattern}' is not a regular expression: {error}") from error


def begins_with_connect(steps: tuple[CheckStep, ...]) -> bool:
    """The configuration itself says how to connect first."""
    first = next((step for step in steps if not isinstance(step, CheckRemark)), None)
    return isinstance(first, CheckConnect)

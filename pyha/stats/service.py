"""What a listener in HTTP mode answers: the monitor URI, the statistics, or 503 (HAProxy's manual, section 4.2)."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hmac import compare_digest

from pyha.config.model import HttpService
from pyha.units import seconds

from . import csv
from .http import Request, Response, page
from .monitor import holds
from .page import Identity
from .page import render as render_page
from .row import Row

_METHODS = ("GET", "HEAD", "POST")

READY = Response(200, "OK", page("200 OK", "Service ready."))
UNAVAILABLE = Response(503, "Service Unavailable",
                       page("503 Service Unavailable", "No server is available to handle this request."))


@dataclass(frozen=True, slots=True)
class View:
    """What the answers are made from, asked for only when needed."""

    identity: Identity
    rows: Callable[[], Sequence[Row]]
    usable: Callable[[str], int]
    """How many servers of a backend can serve, as `nbsrv` counts them."""


def answer(service: HttpService, request: Request, view: View) -> Response:
    """The answer to one request."""
    if service.monitor_uri and request.target == service.monitor_uri:
        failed = any(view.usable(backend) < least for backend, least in service.monitor_fail) \
            or any(holds(condition, view.usable) for condition in service.monitor_when)
        return UNAVAILABLE if failed else READY
    if service.stats_uri and request.target.startswith(service.stats_uri) and request.method in _METHODS:
        return _statistics(service, request, view)
    return UNAVAILABLE


def _statistics(service: HttpService, request: Request, view: View) -> Response:
    if service.stats_auth and not known(service, credentials(request)):
        realm = service.stats_realm.replace("\\", "\\\\").replace('"', '\\"')
        return Response(401, "Unauthorized",
                        page("401 Unauthorized", "You need a valid user and password to access this content."),
                        headers=(("www-authenticate", f'Basic realm="{realm}"'),), close=True)
    if request.method == "POST":
        # Nothing can be changed here: the answer of a page whose operator may only look.
        return Response(303, "See Other", content_type="text/plain",
                        headers=(("location", f"{service.stats_uri};st=DENY"),))
    path, _, query = request.target.partition("?")
    options = {*path[len(service.stats_uri):].split(";"), *query.split(";")}
    rows = [row for row in view.rows() if wanted(row, options, query)]
    refresh = round(seconds(service.stats_refresh)) if service.stats_refresh and "norefresh" not in options else None
    headers = () if refresh is None else (("refresh", str(refresh)),)
    if "csv" in options:
        hidden = () if service.stats_show_legends else csv.CONFIGURED
        return Response(200, "OK", csv.render(rows, hidden).encode(), "text/plain", headers)
    denied = "st=DENY" in options
    body = render_page(service, view.identity, rows, refresh=refresh, denied=denied)
    return Response(200, "OK", body.encode(), "text/html; charset=utf-8", headers)


def wanted(row: Row, options: set[str], query: str) -> bool:
    """`;up` leaves out what is down; `?scope=text` keeps the proxies whose name contains the text."""
    if "up" in options and not row.up:
        return False
    scope = next((part.partition("=")[2] for part in query.split("&") if part.startswith("scope=")), "")
    return scope.partition(";")[0] in row.proxy


def known(service: HttpService, given: str) -> bool:
    """One of `stats auth` says so; how long the answer takes does not tell how much of a guess was right."""
    return any([compare_digest(given.encode(), user.encode()) for user in service.stats_auth])  # noqa: C419 - all of them


def credentials(request: Request) -> str:
    """`user:password` of HTTP Basic authentication (RFC 7617), or the empty string."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode("utf-8", "replace")
    except ValueError:
        return ""

"""The statistics as a page for people: one table a proxy, readable on a telephone at night, without scripts.

What is wrong comes first: a list of the servers that are down above all tables, the state beside each name.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from pyha.config.model import HttpService

from .row import Row


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answers. `uptime` in seconds."""

    version: str
    generation: int = 1
    pid: int = 0
    uptime: int = 0
    node: str = ""


_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --good: #2a9d4a; --odd: #d9a400; --bad: #d1383d;
        --away: #a0703c; }
body { font: 14px/1.45 system-ui, sans-serif; margin: 1.5rem; }
h1 { font-size: 1.3rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 1.6rem 0 .3rem; }
p { margin: .2rem 0; }
.note { opacity: .75; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: .15rem .55rem; border: 1px solid var(--line); text-align: right; }
th { background: var(--soft); font-weight: 600; }
th[colspan] { text-align: center; }
th.name, td.name, td.text { text-align: left; }
td.name { position: sticky; left: 0; background: Canvas; font-weight: 600; }
td.text { max-width: 28rem; overflow: hidden; text-overflow: ellipsis; }
tr.frontend td, tr.backend td { background-color: color-mix(in srgb, CanvasText 5%, Canvas); }
tr.down td { background-color: color-mix(in srgb, var(--bad) 14%, Canvas); }
td.state { border-left: .4rem solid #888; text-align: left; }
td.up { border-left-color: var(--good); }
td.going { border-left-color: var(--odd); }
td.down { border-left-color: var(--bad); font-weight: 600; }
td.maint { border-left-color: var(--away); }
td.none { color: color-mix(in srgb, CanvasText 45%, Canvas); }
.box { border-left: .4rem solid var(--good); background: var(--soft); padding: .4rem .8rem; margin: .8rem 0 0; }
.box.down { border-left-color: var(--bad); }
.box ul { margin: .2rem 0 0; padding-left: 1.2rem; }
"""

_HEADINGS = (
    ("", 1, ("",)),
    ("State", 2, ("Status", "Last check")),
    ("Queue", 1, ("Cur",)),
    ("Sessions", 6, ("Rate", "Rate max", "Cur", "Max", "Limit", "Total")),
    ("Bytes", 2, ("In", "Out")),
    ("Errors", 2, ("Req", "Conn")),
    ("Warnings", 2, ("Retr", "Redis")),
    ("Server", 3, ("Weight", "Act", "Bck")),
    ("Checks", 3, ("Failed", "Downs", "Downtime")),
)
_MOST_LISTED = 20  # servers that are down, above the tables


def render(service: HttpService, identity: Identity, rows: Sequence[Row], *, refresh: int | None,
           denied: bool) -> str:
    """The whole page. `denied`: the visitor has just tried to change something."""
    tables = [_table(proxy, list(group)) for proxy, group in groupby(rows, key=lambda row: row.proxy)]
    parts = [
        "<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">',
        f"<title>{escape(_title(service))}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(_heading(service, identity))}</h1>",
        *_about(service, identity, refresh),
        '<p class="box down">Nothing was changed: this page only shows.</p>' if denied else "",
        *_summary(rows),
        *tables,
        "</body></html>", "",
    ]
    return "\n".join(part for part in parts if part)


def _title(service: HttpService) -> str:
    return "Statistics Report" + (f" on {service.stats_show_node}" if service.stats_show_node else "")


def _heading(service: HttpService, identity: Identity) -> str:
    return _title(service) if service.stats_hide_version else f"{_title(service)} (pyha {identity.version})"


def _about(service: HttpService, identity: Identity, refresh: int | None) -> list[str]:
    lines = [service.stats_show_desc] if service.stats_show_desc else []
    lines.append(f"up {duration(identity.uptime)}, configuration {identity.generation}, process {identity.pid}")
    uri = escape(service.stats_uri, quote=True)
    links = [f'<a href="{uri};up">hide what is down</a>', f'<a href="{uri};csv">CSV</a>']
    if refresh is not None:
        links.insert(0, f'refreshed every {refresh} s (<a href="{uri};norefresh">stop</a>)')
    return [f'<p class="note">{escape(line)}</p>' for line in lines] + [f'<p class="note">{" · ".join(links)}</p>']


def _summary(rows: Sequence[Row]) -> list[str]:
    servers = [row for row in rows if row.kind == "server"]
    down = [row for row in servers if row.status.startswith("DOWN")]
    if not servers:
        return []
    if not down:
        return ['<p class="box">No server is down.</p>']
    items = [f'<li><a href="#{escape(row.proxy, quote=True)}">{escape(row.proxy)}</a>/{escape(row.name)} '
             f"for {duration(row.since)}{escape(_because(row))}</li>" for row in down[:_MOST_LISTED]]
    if len(down) > _MOST_LISTED:
        items.append(f"<li>and {len(down) - _MOST_LISTED} more</li>")
    return [f'<div class="box down">{len(down)} of {len(servers)} servers down:<ul>', *items, "</ul></div>"]


def _because(row: Row) -> str:
    check = row.check
    if check is None:
        return ""
    said = f"{check.description} {check.code}" if check.code else check.description
    return f": {said}, {check.info.strip()}" if check.info.strip() else f": {said}"


def _table(proxy: str, rows: list[Row]) -> str:
    groups = "".join(f'<th colspan="{width}">{name}</th>' if width > 1 else f"<th>{name}</th>"
                     for name, width, _ in _HEADINGS)
    names = "".join(f'<th class="name">{column}</th>' if group == "State" else f"<th>{column}</th>"
                    for group, _, columns in _HEADINGS for column in columns)
    body = "\n".join(_line(row) for row in rows)
    return (f'<h2 id="{escape(proxy, quote=True)}">{escape(proxy)}</h2>\n<div class="table"><table>\n'
            f"<thead><tr>{groups}</tr><tr>{names}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>")


def _line(row: Row) -> str:
    front, server = row.kind == "frontend", row.kind == "server"
    check = row.check
    cells = [
        _cell(row.name.capitalize() if not server else row.name, "name"),
        _cell(_status(row), f"state {shade(row.status)}"),
        _cell(_last_check(row), "text"),
        _cell("" if front else row.queued),
        *_cells(row.rate, row.rate_max, row.sessions, row.sessions_max, _or_dash(row.sessions_limit), row.total),
        *_cells(size(row.bytes_in), size(row.bytes_out)),
        *(_cells(row.failed, "") if front else _cells("", row.connect_failures)),
        *(_cells("", "") if front else _cells(row.retries, row.redispatches)),
        *(_cells("", "", "") if front else _cells(row.weight, row.active, row.backup)),
        *(_cells(check.failures, check.downs) if check else _cells("", "" if front or server else row.downs)),
        _cell("" if row.downtime is None else duration(row.downtime)),
    ]
    style = f"{row.kind} down" if row.status.startswith("DOWN") else row.kind
    return f'<tr class="{style}">{"".join(cells)}</tr>'


def _cells(*values: int | str) -> Iterable[str]:
    return [_cell(value) for value in values]


def _cell(value: int | str, style: str = "") -> str:
    if not style and value in (0, "0", "–"):
        style = "none"
    text = f"{value:,}".replace(",", "\u202f") if isinstance(value, int) else str(value)
    return f'<td class="{style}">{escape(text)}</td>' if style else f"<td>{escape(text)}</td>"


def _or_dash(value: int | None) -> int | str:
    return "–" if value is None else value


def _status(row: Row) -> str:
    return row.status if row.kind == "frontend" else f"{row.status} for {duration(row.since)}"


def _last_check(row: Row) -> str:
    check = row.check
    if check is None or row.status.startswith("MAINT"):
        return ""
    code = f"/{check.code}" if check.code else ""
    info = f": {check.info.strip()}" if check.info else ""
    return f"{check.status}{code} in {check.duration_ms}ms{info}"


def shade(status: str) -> str:
    """The colour of a status: up, going (one way or the other), down, maint."""
    word, _, count = status.partition(" ")
    if word in ("MAINT", "STOP"):
        return "maint"
    if word in ("NOLB", "DRAIN") or (count and word in ("UP", "DOWN")):
        return "going"
    return "down" if word == "DOWN" else "up"


def duration(seconds: int) -> str:
    """Two units are enough: `3d4h`, `4h12m`, `12m3s`, `3s`."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d{hour}h"
    if hours:
        return f"{hours}h{minute}m"
    return f"{minutes}m{second}s" if minutes else f"{second}s"


def size(number: int) -> str:
    """A number of bytes as people read it: `999`, `12.3 k`, `4.5 G`."""
    value = float(number)
    for suffix in ("", " k", " M", " G"):
        if value < 1000:
            return f"{value:.1f}{suffix}" if suffix else str(number)
        value /= 1000
    return f"{value:.1f} T"

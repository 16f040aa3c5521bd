"""`log-format` strings (HAProxy's manual, section 8.2.4): the names of the variables."""

import re
from typing import Final

from pyha.config.origin import did_you_mean

from .statement import Section, Statement

_TCP = """
    B H ID T Tc Td Th Tl Ts Tt Tu Tw U ac b bc bi bp bq ci cp f fc fi fp ft lc ms o pid rc rt s sc si sp sq sslc sslv t
    tr trg trl ts tsc
"""
_HTTP = "CC CS HM HP HPO HQ HU HV ST TR Ta Ti Tq Tr hr hrl hs hsl r rq sqt"
TCP_VARIABLES: Final = frozenset(_TCP.split())
HTTP_VARIABLES: Final = frozenset(_HTTP.split())
_TOKEN = re.compile(r"%%|%(?:\{[^}]{0,40}\})?(-?\[)?([A-Za-z]*)")


def log_format(section: Section, statement: Statement) -> None:
    """`log-format STRING`; the formats of errors and of structured data are not used."""
    text = " ".join(statement.args)
    if not text:
        section.error(statement, f"'{statement.keyword}' expects a format string as argument",
                      "write it as one word, in double quotes")
        return
    if len(statement.args) > 1:
        section.error(statement, f"'{statement.keyword}' cannot handle unexpected argument '{statement.args[1]}'",
                      "write the format as one word, in double quotes")
        return
    if not _known(section, statement, text):
        return
    if statement.keyword != "log-format":
        section.ignore(statement.keyword, statement.origin, "every session is logged in the format of 'log-format'")
        return
    section.put("log_format", "custom", statement.origin)
    section.put("log_custom", text, statement.origin)


def _known(section: Section, statement: Statement, text: str) -> bool:
    good = True
    for match in _TOKEN.finditer(text):
        name = match[2] or ""
        if match[0] == "%%":
            continue
        if match[1]:
            section.ignore("%[...] in a log format", statement.origin, "expressions over the traffic are logged as '-'")
        elif name in HTTP_VARIABLES:
            section.ignore(f"%{name} in a log format", statement.origin, "what belongs to HTTP is logged as '-'")
        elif name not in TCP_VARIABLES:
            section.error(statement, f"'{statement.keyword}': no such format variable '%{name}'",
                          did_you_mean(name, TCP_VARIABLES) or "write '%%' for a percent sign")
            good = False
    return good

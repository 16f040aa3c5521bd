import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from pyha.config.model import HttpService
from pyha.stats.page import Identity, duration, render, shade, size
from pyha.stats.row import CheckRow, Row
from tests.stats.samples import DOWN, FRONT, MAINT, ROWS, UP, WEB

SERVICE = HttpService(stats_uri="/stats")
IDENTITY = Identity("1.2.3", generation=4, pid=4711, uptime=7300)
VOID = {"meta", "link", "br"}


class Page(HTMLParser):
    """Checks that tags are closed in order, and keeps the cells of every row."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.links, self.text = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append(("", int(dict(attrs).get("colspan", 1)), dict(attrs).get("class", "")))
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            text, width, style = self.rows[-1][-1]
            self.rows[-1][-1] = (text + data, width, style)


def page(rows=ROWS, service=SERVICE, identity=IDENTITY, refresh=None, denied=False):
    return Page(render(service, identity, rows, refresh=refresh, denied=denied))


def cells(name, **options):
    return [text for text, _, _ in next(row for row in page(**options).rows if row[0][0] == name)]


def test_the_page_is_well_formed_and_every_row_has_as_many_cells_as_the_heading():
    shown = page()
    assert {sum(width for _, width, _ in row) for row in shown.rows} == {22}


def test_a_proxy_is_one_table_with_its_name_above():
    text = render(SERVICE, IDENTITY, ROWS, refresh=None, denied=False)
    assert text.count("<table>") == 2
    assert '<h2 id="api">api</h2>' in text


def test_it_says_who_answers():
    assert "pyha 1.2.3" in "".join(page().text)
    assert "up 2h1m, configuration 4, process 4711" in "".join(page().text)


def test_the_version_can_be_hidden_and_a_node_and_a_description_shown():
    service = SERVICE.model_copy(update={"stats_hide_version": True, "stats_show_node": "lb<1>",
                                         "stats_show_desc": "test & more"})
    text = "".join(page(service=service).text)
    assert "1.2.3" not in text
    assert "Statistics Report on lb<1>" in text
    assert "test & more" in text


def test_links_lead_to_the_other_views():
    assert page().links == ["/stats;up", "/stats;csv", "#api"]
    assert page(refresh=5).links == ["/stats;norefresh", "/stats;up", "/stats;csv", "#api"]


def test_what_is_down_is_said_before_all_tables_and_why():
    text = "".join(page().text)
    assert "1 of 4 servers down:" in text
    assert "api/m2 for 59s: Layer4 connection problem, Connection refused" in text
    assert text.index("1 of 4 servers down:") < text.index("Last check")


def test_an_http_status_is_part_of_the_reason_and_without_a_reason_there_is_none():
    failing = replace(DOWN, check=CheckRow("L7STS", 500, "", "Layer7 wrong status"))
    assert "api/m2 for 59s: Layer7 wrong status 500" in "".join(page([failing]).text)
    assert re.search(r"api/m2 for 59s\s", "".join(page([replace(DOWN, check=None)]).text))


def test_when_nothing_is_down_it_says_so_and_without_servers_it_says_nothing():
    assert "No server is down." in page([FRONT, UP, MAINT]).text
    assert "No server is down." not in page([WEB]).text


def test_a_long_list_is_cut_short():
    text = "".join(page([replace(DOWN, name=f"n{number}") for number in range(30)]).text)
    assert "30 of 30 servers down:" in text
    assert "and 10 more" in text
    assert "api/n20 for" not in text


def test_large_numbers_have_gaps_between_thousands_and_zeros_stand_back():
    shown = page([replace(FRONT, total=1_834_221, rate=0)])
    assert ("1\u202f834\u202f221", 1, "") in shown.rows[-1]
    assert ("0", 1, "none") in shown.rows[-1]


def test_names_cannot_smuggle_markup_in():
    evil = Row(kind="server", proxy="<b>", name="<script>x</script>", status="UP", iid=1,
               check=CheckRow("L7STS", 500, "<img src=x>"))
    text = render(SERVICE, IDENTITY, [evil], refresh=None, denied=False)
    assert "<script>" not in text
    assert "<img" not in text
    assert '<h2 id="&lt;b&gt;">&lt;b&gt;</h2>' in text


def test_a_server_tells_its_state_and_its_last_check():
    assert "UP for 2h5m" in cells("m1")
    assert "L7OK/200 in 3ms" in cells("m1")
    assert "L4CON in 0ms: Connection refused" in cells("m2")
    assert not any("old news" in cell for cell in cells("m3"))


def test_the_moment_a_visitor_tried_to_change_something_it_says_that_it_only_shows():
    assert "Nothing was changed: this page only shows." in page(denied=True).text
    assert "Nothing was changed: this page only shows." not in page().text


@pytest.mark.parametrize(("status", "colour"), [
    ("UP", "up"), ("OPEN", "up"), ("no check", "up"), ("UP 2/3", "going"), ("DOWN 1/2", "going"), ("NOLB", "going"),
    ("NOLB 1/3", "going"), ("DRAIN", "going"), ("DOWN", "down"), ("MAINT", "maint"), ("MAINT (resolution)", "maint"),
    ("STOP", "maint")])
def test_colours(status, colour):
    assert shade(status) == colour


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "0s"), (59, "59s"), (60, "1m0s"), (3599, "59m59s"), (3600, "1h0m"), (86_399, "23h59m"), (86_400, "1d0h"),
    (90_061, "1d1h")])
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("number", "text"), [
    (0, "0"), (999, "999"), (1000, "1.0 k"), (12_345, "12.3 k"), (4_500_000_000, "4.5 G"), (10**12, "1.0 T"),
    (10**16, "10000.0 T")])
def test_sizes(number, text):
    assert size(number) == text

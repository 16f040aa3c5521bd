import csv as reader
from pathlib import Path

import pytest

from pyha.stats.fields import FIELDS
from tests.stats.samples import BACK, DOWN, FRONT, MAINT, ROWS, UNCHECKED, UP, WEB

ORACLE = Path(__file__).resolve().parents[3] / "shared/reference/haproxy-oracle/show_stat.csv"
BY_NAME = {field.name: field for field in FIELDS}


def values(row, *names):
    return tuple(BY_NAME[name].of(row) for name in names)


def test_names_are_unique_but_for_haproxys_separator():
    names = [field.name for field in FIELDS]
    assert len(set(names)) == len(names)
    assert "-" in names


@pytest.mark.corpus
@pytest.mark.skipif(not ORACLE.exists(), reason="the reference is not here")
def test_columns_are_haproxys_in_haproxys_order_and_filled_for_the_same_kinds_of_row():
    header, *rows = list(reader.reader(line for line in ORACLE.read_text().splitlines() if line))
    header[0] = header[0].removeprefix("# ")
    assert [field.name for field in FIELDS] == header[:-1]
    kinds = {"0": FRONT, "1": BACK, "2": UP}
    depends = {"check_code", "last_chk", "slim", "qlimit", "throttle"}  # empty or not, as things stand
    depends |= {"addr", "algo", "cookie"}  # empty or not, as the configuration says
    for row in rows:
        theirs = dict(zip(header, row, strict=True))
        ours = kinds[theirs["type"]]
        if theirs["status"] == "no check" or theirs["mode"] == "http" or theirs["status"].startswith("MAINT"):
            continue
        filled = {name for name, value in theirs.items() if name and value != ""} - depends
        mine = {field.name for field in FIELDS if field.of(ours) not in (None, "")} - depends
        assert mine == filled, theirs["svname"]


def test_kinds_have_their_own_columns():
    assert values(FRONT, "qcur", "dreq", "econ", "weight", "type", "rate") == (None, 0, None, None, 0, 7)
    assert values(BACK, "weight", "chkfail", "chkdown", "algo", "type", "check_status") == (
        1, None, 4, "leastconn", 1, None)
    assert values(DOWN, "act", "bck", "qlimit", "sid", "type", "addr") == (0, 1, 5, 2, 2, "10.0.0.2:6443")


def test_a_check_fills_its_columns():
    assert values(UP, "check_status", "check_code", "check_duration", "check_desc", "check_rise", "check_fall",
                  "check_health", "chkfail", "chkdown") == ("L7OK", 200, 3, "Layer7 check passed", 2, 3, 4, 2, 1)
    assert values(DOWN, "check_status", "check_code", "last_chk") == ("L4CON", None, "Connection refused")


def test_in_maintenance_an_old_check_is_not_shown_but_its_counters_are():
    assert values(MAINT, "check_status", "last_chk", "check_health", "chkfail", "downtime") == (None, None, None, 0, 0)


def test_an_unchecked_server_has_no_check():
    assert values(UNCHECKED, "check_status", "chkfail", "chkdown", "need_conn_est") == (None, None, None, 0)


def test_a_checked_server_that_has_served_nobody_is_unproven():
    assert values(DOWN, "need_conn_est") == (1,)
    assert values(UP, "need_conn_est") == values(MAINT, "need_conn_est") == (0,)


def test_http_columns_are_for_http():
    assert values(WEB, "hrsp_2xx", "hrsp_4xx", "req_tot", "intercepted", "mode") == (4, 1, 5, 5, "http")
    assert values(FRONT, "hrsp_2xx", "req_tot", "intercepted", "mode") == (None, 0, None, "tcp")
    assert values(BACK, "hrsp_2xx", "req_tot") == (None, None)


def test_every_row_has_a_value_or_nothing_in_every_column():
    for row in ROWS:
        for field in FIELDS:
            assert field.of(row) is None or isinstance(field.of(row), int | str), field.name

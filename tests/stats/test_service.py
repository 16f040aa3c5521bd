import base64

import pytest

from pyha.config.model import HttpService
from pyha.stats.http import Request
from pyha.stats.page import Identity
from pyha.stats.service import READY, UNAVAILABLE, View, answer, credentials, wanted
from tests.stats.samples import DOWN, MAINT, ROWS, UP, WEB

STATS = HttpService(stats_uri="/stats")
USABLE = {"api": 2, "empty": 0}
VIEW = View(Identity("1.0"), lambda: ROWS, lambda name: USABLE.get(name, 0))


def get(target, service=STATS, method="GET", **headers):
    return answer(service, Request(method, target, headers=headers), VIEW)


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


# -- the monitor URI ---------------------------------------------------------------------------------------------------


def test_the_monitor_uri_is_exact():
    service = HttpService(monitor_uri="/healthz")
    assert get("/healthz", service) == READY
    for other in ("/healthz/", "/healthz?x", "/", "/Healthz"):
        assert get(other, service) == UNAVAILABLE


@pytest.mark.parametrize(("fail", "expected"), [
    ((("api", 1),), READY), ((("api", 3),), UNAVAILABLE), ((("api", 1), ("empty", 1)), UNAVAILABLE),
    ((("nobody", 1),), UNAVAILABLE)])
def test_monitor_fail_counts_usable_servers(fail, expected):
    assert get("/healthz", HttpService(monitor_uri="/healthz", monitor_fail=fail)) == expected


def test_without_a_service_there_is_nobody_to_answer():
    assert get("/", HttpService()) == UNAVAILABLE


# -- the page ----------------------------------------------------------------------------------------------------------


def test_the_page_is_html_and_everything_below_its_uri_is_the_page():
    for target in ("/stats", "/stats;norefresh", "/statsandmore"):
        response = get(target)
        assert (response.code, response.content_type) == (200, "text/html; charset=utf-8")
    assert get("/other") == UNAVAILABLE
    assert get("/stats", method="DELETE") == UNAVAILABLE


def test_csv_is_asked_for_with_semicolon_and_hides_the_configuration_without_legends():
    response = get("/stats;csv")
    assert response.content_type == "text/plain"
    assert response.body.startswith(b"# pxname,")
    assert b"10.0.0.1:6443" not in response.body
    legends = STATS.model_copy(update={"stats_show_legends": True})
    assert b"10.0.0.1:6443" in get("/stats;csv;norefresh", legends).body


def test_the_page_refreshes_itself_unless_told_not_to():
    service = STATS.model_copy(update={"stats_refresh": 5000})
    assert get("/stats", service).headers == (("refresh", "5"),)
    assert get("/stats;norefresh", service).headers == ()
    assert get("/stats").headers == ()


def test_a_post_changes_nothing_and_says_so():
    response = get("/stats", method="POST")
    assert (response.code, response.headers) == (303, (("location", "/stats;st=DENY"),))
    assert b"Nothing was changed" in get("/stats;st=DENY").body
    assert b"Nothing was changed" not in get("/stats").body


@pytest.mark.parametrize(("row", "options", "query", "shown"), [
    (UP, {"up"}, "", True), (DOWN, {"up"}, "", False), (MAINT, {"up"}, "", False), (DOWN, set(), "", True),
    (UP, set(), "scope=ap", True), (WEB, set(), "scope=ap", False), (WEB, set(), "x=y&scope=st;up", True)])
def test_what_is_shown(row, options, query, shown):
    assert wanted(row, options, query) == shown


def test_scope_and_up_work_through_the_uri():
    assert b"m2" not in get("/stats;up;csv").body
    assert b"m2" in get("/stats;csv").body
    assert b"FRONTEND" in get("/stats;csv?scope=stat").body
    assert b"m1" not in get("/stats;csv?scope=stat").body


# -- who may look ------------------------------------------------------------------------------------------------------


LOCKED = STATS.model_copy(update={"stats_auth": ("admin:secret", "b:pass:word"), "stats_realm": 'My "own"\\realm'})


@pytest.mark.parametrize("authorization", [basic("admin:secret"), basic("b:pass:word"), basic("admin:secret").replace(
    "Basic", "bAsIc")])
def test_users_with_their_password_may(authorization):
    assert get("/stats", LOCKED, authorization=authorization).code == 200


@pytest.mark.parametrize("authorization", [
    "", basic("admin:wrong"), basic("admin"), basic("other:secret"), "Basic", "Basic !!!", "Basic YWRtaW4",
    "Bearer " + base64.b64encode(b"admin:secret").decode(), basic("b:pass"), "Basic \xff", "Basic /////w=="])
def test_everybody_else_is_asked_who_they_are(authorization):
    response = get("/stats", LOCKED, authorization=authorization)
    assert (response.code, response.close) == (401, True)
    assert response.headers == (("www-authenticate", 'Basic realm="My \\"own\\"\\\\realm"'),)


def test_a_post_needs_a_password_too():
    assert get("/stats", LOCKED, method="POST").code == 401


def test_credentials_are_user_and_password():
    assert credentials(Request("GET", "/", headers={"authorization": basic("ü:p")})) == "ü:p"
    assert credentials(Request("GET", "/")) == ""

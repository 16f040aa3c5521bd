import pytest

from pyha.stats.row import Row


@pytest.mark.parametrize(("status", "up"), [
    ("UP", True), ("OPEN", True), ("no check", True), ("NOLB", True), ("UP 1/3", True), ("DOWN", False),
    ("DOWN 1/2", False), ("MAINT", False), ("MAINT (resolution)", False)])
def test_what_cannot_serve_is_not_up(status, up):
    assert Row(kind="server", proxy="p", name="s", status=status, iid=1).up == up

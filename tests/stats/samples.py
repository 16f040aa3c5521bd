"""Rows as the monitor makes them."""

from pyha.stats.row import CheckRow, Row

FRONT = Row(kind="frontend", proxy="api", name="FRONTEND", status="OPEN", iid=2, sessions=3, sessions_max=9,
            sessions_limit=2000, total=1234, bytes_in=12_345, bytes_out=6_789_012, rate=7, rate_max=70)
UP = Row(kind="server", proxy="api", name="m1", status="UP", iid=2, sid=1, weight=1, active=1, since=7500, downtime=61,
         total=1200, address="10.0.0.1:6443", last_session=0,
         check=CheckRow("L7OK", 200, "", "Layer7 check passed", 3, health=4, failures=2, downs=1))
DOWN = Row(kind="server", proxy="api", name="m2", status="DOWN 1/2", iid=2, sid=2, weight=1, backup=1, since=59,
           downtime=59, address="10.0.0.2:6443", queue_limit=5,
           check=CheckRow("L4CON", None, "Connection refused", "Layer4 connection problem", 0, health=1))
MAINT = Row(kind="server", proxy="api", name="m3", status="MAINT", iid=2, sid=3, weight=1, active=1,
            check=CheckRow("L4CON", None, "old news", "Layer4 connection problem"), downtime=0)
UNCHECKED = Row(kind="server", proxy="api", name="m4", status="no check", iid=2, sid=4, weight=1, active=1, total=34)
BACK = Row(kind="backend", proxy="api", name="BACKEND", status="UP", iid=2, weight=1, active=1, downs=4, since=90_061,
           downtime=0, algorithm="leastconn", total=1234)
WEB = Row(kind="frontend", proxy="stats", name="FRONTEND", status="OPEN", iid=3, mode="http", total=5,
          responses=(0, 4, 0, 1, 0, 0))
ROWS = (FRONT, UP, DOWN, MAINT, UNCHECKED, BACK, WEB)

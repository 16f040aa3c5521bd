"""Which commands only ask whether haproxy runs, and which do anything else."""

import pytest

from pyha.config.keepalived.command import asks_for_balancer
from pyha.config.keepalived.lexer import arguments
from tests.config.keepalived.reading import draft_of, sentences

ASKING = [
    "killall -0 haproxy", "/usr/bin/killall -0 haproxy", "killall -q -0 haproxy", "/usr/bin/killall -s 0 haproxy",
    "pidof haproxy", "/bin/pidof -s haproxy", "/usr/sbin/pidof /usr/sbin/haproxy", "pgrep haproxy", "pgrep -x haproxy",
    "/usr/bin/pgrep -f ^haproxy$", "pkill -0 haproxy", "systemctl is-active haproxy",
    "systemctl is-active --quiet haproxy.service", "systemctl status haproxy", "service haproxy status",
    "/etc/init.d/haproxy status", "ps -C haproxy", "ps -C haproxy --no-header", "/bin/sh -c 'killall -0 haproxy'",
    "/bin/sh -c 'pidof haproxy > /dev/null 2>&1'", "bash -c 'killall -0 haproxy || exit 1'", "sudo killall -0 haproxy",
    "/usr/bin/timeout 2 pidof haproxy", "bash -c 'kill -0 $(cat /var/run/haproxy.pid)'",
    "/usr/bin/bash -c 'if [[ $(ps -C haproxy --no-header | wc -l) -eq 0 ]] ; then exit 1;fi'",
]

OTHERS = [
    "", "killall haproxy", "killall -9 haproxy", "killall -0 nginx", "killall -0 haproxy keepalived",
    "pgrep haproxy-exporter",
    "pidof haproxy nginx", "systemctl restart haproxy", "systemctl is-active haproxy keepalived", "pkill haproxy",
    "/usr/bin/curl -fsk https://127.0.0.1:6443/readyz", "/etc/keepalived/check_haproxy.sh",
    "/bin/sh -c 'killall -0 haproxy && curl -fsk https://127.0.0.1:6443/readyz'",
    "/bin/sh -c 'killall -0 haproxy || systemctl restart haproxy'", "/bin/sh -c 'pidof haproxy; true'",
    "/bin/sh -c 'ps -ef | grep haproxy'", "/bin/sh -c '$(killall -0 haproxy)'",
    "haproxy -c -f /etc/haproxy/haproxy.cfg",
    "bash -c 'kill -0 $(cat /var/run/nginx.pid)'", "sh -c", "ps -C nginx", "env", "timeout 2",
    "bash -c 'if [ $(ps -C haproxy | wc -l) -eq 0 ]; then systemctl start haproxy; fi'",
]


@pytest.mark.parametrize("command", ASKING)
def test_these_ask_whether_the_balancer_works(command):
    assert asks_for_balancer(arguments(command))


@pytest.mark.parametrize("command", OTHERS)
def test_these_do_something_else_and_are_run(command):
    assert not asks_for_balancer(arguments(command))


def test_a_shell_that_has_to_do_with_haproxy_in_another_way_is_told():
    text = "vrrp_script c {\n script \"/bin/sh -c 'ps -ef | grep haproxy'\"\n}\n"
    assert any("in a way that pyha does not know" in sentence for sentence in sentences(draft_of(text)))

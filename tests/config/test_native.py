"""pyha.yaml: lines for everything, nothing lost on the way out and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyha.config import native
from pyha.config.model import (
    Backend,
    Bind,
    Check,
    CheckConnect,
    CheckExpect,
    CheckSend,
    Config,
    Frontend,
    Global,
    HealthDialogue,
    Server,
)
from pyha.config.source import Source
from pyha.config.validate import validate
from pyha.config.vrrp_model import Script, VirtualAddress, VirtualRouter, Vrrp
from pyha.units import Centiseconds, Milliseconds

EVERYTHING = Config(
    settings=Global(maxconn=2000, nbthread=2, hard_stop_after=Milliseconds(90_000), kernel_path="off"),
    frontends=(Frontend(name="api", binds=(Bind(host="::", port=6443, v6only=False),), default_backend="masters",
                        timeout_client=Milliseconds(1500)),),
    backends=(Backend(
        name="masters", timeout_server=Milliseconds(3_600_000),
        health=HealthDialogue(kind="http", steps=(
            CheckConnect(tls=True), CheckSend(method="GET", uri="/readyz"),
            CheckExpect(match="status", pattern="200"))),
        servers=(Server(name="m1", host="10.0.0.1", port=6443, check=Check(inter=Milliseconds(500))),),
    ),),
    vrrp=Vrrp(
        routers=(VirtualRouter(name="VI_1", interface="eth0", vrid=51, version=3, advert_int=Centiseconds(30),
                               addresses=(VirtualAddress(interface="10.0.0.100/24"),)),),
        scripts=(Script(name="chk", argv=("/bin/true",)),),
    ),
)

WORDS = ("frontends", "backends", "vrrp", "routers", "servers", "name", "health", "steps", "action", "binds",
         "addresses", "interface")


def read(text):
    draft = native.translate(Source("pyha.yaml", text, "native"))
    config, problems = validate(draft.data, draft.origins)
    return config, [str(problem) for problem in (*draft.problems, *problems)]


@pytest.mark.parametrize("config", [Config(), EVERYTHING])
def test_what_is_written_is_read_back_the_same(config):
    assert read(native.dump(config)) == (config, [])


def test_durations_are_written_as_people_write_them_and_defaults_are_left_out():
    text = native.dump(EVERYTHING)
    for line in ("hard_stop_after: 90s", "timeout_client: 1500ms", "timeout_server: 1h", "advert_int: 300ms"):
        assert line in text
    assert "preempt" not in text


def test_the_steps_of_a_check_keep_their_kinds():
    assert native.dump(EVERYTHING).count("- action: ") == 3


def test_kernel_path_may_stand_at_the_top():
    config, problems = read("kernel_path: off\n")
    assert not problems
    assert config.settings.kernel_path == "off"
    assert read("kernel_path: maybe\n")[1] == [
        "pyha.yaml:1: error: settings.kernel_path: should be 'auto', 'on' or 'off', got 'maybe'"]


def test_every_problem_has_its_own_line():
    _, problems = read(
        "frontends:\n"
        "  - name: api\n"
        "    binds:\n"
        "      - {host: 0.0.0.0, port: 70000}\n"
        "    defalt_backend: x\n"
        "    timeout_client: 5parsecs\n"
        "backends:\n"
        "  - servers: 7\n"
        "vrrp:\n"
        "  routers:\n"
        "    - name: VI_1\n"
        "      interface: eth0\n"
        "      vrid: 300\n"
        "      advert_int: 15ms\n"
        "      addresses:\n"
        "        - interface: 10.0.0.300/24\n"
    )
    assert sorted(problems) == sorted([
        "pyha.yaml:4: error: frontends[0].binds[0].port: should be less than or equal to 65535, got 70000",
        "pyha.yaml:5: error: frontends[0].defalt_backend: unknown word; did you mean 'default_backend'?",
        ("pyha.yaml:6: error: frontends[0].timeout_client: '5parsecs' is not a time: unexpected 'parsecs', "
        "expected us, ms, s, m, h or d"),
        "pyha.yaml:8: error: backends[0].name: is missing",
        "pyha.yaml:8: error: backends[0].servers: expected a list, got 7",
        "pyha.yaml:13: error: vrrp.routers[0].vrid: should be less than or equal to 255, got 300",
        ("pyha.yaml:14: error: vrrp.routers[0].advert_int: '15ms' is too fine: advertisement intervals count in "
        "hundredths of a second"),
        ("pyha.yaml:16: error: vrrp.routers[0].addresses[0].interface: expected an IP address with a prefix length, "
        "such as 10.0.0.100/24, got '10.0.0.300/24'"),
    ])


@pytest.mark.parametrize(("text", "line"), [
    ("frontends:\n  - name: [\n", 3), ("a: 1\na: 2\n", 2), ("a: b: c\n", 1), ("- just\n- a list\n", 1), ("\x07\n", 0),
])
def test_what_is_no_mapping_of_yaml_is_said_with_its_line(text, line):
    _, problems = read(text)
    assert len(problems) == 1
    assert problems[0].startswith(f"pyha.yaml:{line}: error: " if line else "pyha.yaml: error: ")


def test_an_empty_file_is_an_empty_configuration():
    assert read("# nothing\n") == (Config(), [])


@given(st.text(alphabet=st.sampled_from("abc:-[]{}'\"\n #&*!|>%@`,01")))
def test_no_text_raises(text):
    read(text)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(WORDS), inner, max_size=4)))
def test_no_data_raises(data):
    if isinstance(data, dict):
        validate(data, {})

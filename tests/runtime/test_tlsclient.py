import ssl

import pytest

from pyha.config.model import Check, HealthDialogue, Tls
from pyha.errors import FitnessError
from pyha.health.probes import PROBES
from pyha.runtime.tlsclient import TlsContexts, certificate_names, tls_of
from tests.runtime.standins import Certificates


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


def certificate(*names, common=None):
    return {"subjectAltName": tuple(("IP Address" if name[0].isdigit() else "DNS", name) for name in names),
            "subject": ((("commonName", common),),) if common else ()}


@pytest.mark.parametrize(("names", "common", "wanted", "good"), [
    (["api.example.com"], None, "api.example.com", True),
    (["API.example.com"], None, "api.EXAMPLE.com.", True),
    (["other.example.com", "api.example.com"], None, "api.example.com", True),
    (["*.example.com"], None, "api.example.com", True),
    (["*.example.com"], None, "a.b.example.com", False),
    (["*.example.com"], None, "example.com", False),
    (["a*.example.com"], None, "api.example.com", False),
    (["*"], None, "localhost", False),
    (["10.0.0.1"], None, "10.0.0.1", True),
    (["10.0.0.1"], None, "10.0.0.2", False),
    ([], "api.example.com", "api.example.com", True),
    (["other.example.com"], "api.example.com", "api.example.com", False),  # the common name counts only alone
    ([], None, "api.example.com", False),
])
def test_names_of_a_certificate(names, common, wanted, good):
    assert certificate_names(certificate(*names, common=common), wanted) == good


def test_one_context_serves_all_names_and_another_way_to_verify_has_its_own(certs):
    contexts, ca = TlsContexts(), str(certs.ca)
    first = contexts.get(Tls(ca_file=ca, sni="a"))
    assert contexts.get(Tls(ca_file=ca, sni="b", verifyhost="c")) is first
    assert first.verify_mode == ssl.CERT_REQUIRED
    assert contexts.get(Tls(verify="none")).verify_mode == ssl.CERT_NONE


def test_what_files_must_be(certs, tmp_path):
    empty, missing = tmp_path / "empty.pem", tmp_path / "missing.pem"
    empty.write_text("")
    no_key = certs.ca
    for tls, words in (
        (Tls(), "verify is on but no ca-file says"),
        (Tls(ca_file=str(missing)), f"ca-file {missing} cannot be used: no such file or directory"),
        (Tls(ca_file=str(empty)), f"ca-file {empty} cannot be used: it holds no readable PEM certificate"),
        (Tls(verify="none", crt=str(no_key)), f"crt {no_key} cannot be used: it holds no readable PEM certificate"),
        (Tls(verify="none", crt=str(missing)), f"crt {missing} cannot be used: no such file or directory"),
    ):
        with pytest.raises(FitnessError) as caught:
            TlsContexts().get(tls)
        assert str(caught.value).startswith(words)


def test_a_directory_and_the_systems_own_authorities_will_do(tmp_path):
    assert TlsContexts().get(Tls(ca_file=str(tmp_path))).verify_mode == ssl.CERT_REQUIRED
    assert TlsContexts().get(Tls(ca_file="@system-ca")).verify_mode == ssl.CERT_REQUIRED


def test_a_file_that_was_mended_works_without_another_start(certs, tmp_path):
    path, contexts = tmp_path / "late.pem", TlsContexts()
    with pytest.raises(FitnessError):
        contexts.get(Tls(ca_file=str(path)))
    path.write_bytes(certs.ca.read_bytes())
    assert contexts.get(Tls(ca_file=str(path)))


def test_the_ways_to_speak_tls_of_a_check():
    tls = Tls(verify="none")
    assert tls_of(PROBES["tcp"](HealthDialogue(), Check(tls=tls))) == [tls]
    assert tls_of(PROBES["tcp"](HealthDialogue(), Check())) == []

from ipaddress import ip_address

import pytest

from pyha.config.vrrp_model import VirtualRouter
from pyha.vrrp.advertisement import Advertisement
from pyha.vrrp.mismatch import auth_data, auth_type, mismatch


def config(**more: object) -> VirtualRouter:
    return VirtualRouter.model_validate({
        "name": "VI_1", "interface": "eth0", "vrid": 51, "addresses": [{"interface": "10.0.0.9/24"}], **more})


PASS = {"authentication": {"kind": "PASS", "password": "k8sha123"}}


def advert(**more: object) -> Advertisement:
    return Advertisement(**{"version": 2, "vrid": 51, "priority": 100, "interval": 100, "auth_data": bytes(8),
                            "addresses": (ip_address("10.0.0.9"),), **more})


@pytest.mark.parametrize(("ours", "theirs"), [
    (config(), advert()),
    (config(**PASS), advert(auth_type=1, auth_data=b"k8sha123")),
    (config(authentication={"kind": "PASS", "password": "k8sha123456"}), advert(auth_type=1, auth_data=b"k8sha123")),
    (config(authentication={"kind": "PASS", "password": "42"}), advert(auth_type=1, auth_data=b"42" + bytes(6))),
    (config(), advert(auth_data=b"whatever")),  # without authentication the field means nothing (RFC 3768 5.3.10)
    (config(version=3), advert(version=3, interval=7, auth_data=b"")),
    (config(version=3, **PASS), advert(version=3, auth_data=b"")),
    (config(), advert(addresses=(ip_address("10.0.0.8"), ip_address("10.0.0.9")))),
])
def test_what_fits_is_heard(ours, theirs):
    assert mismatch(ours, theirs, check_addresses=True) is None


@pytest.mark.parametrize(("ours", "theirs", "reason", "words"), [
    (config(), advert(version=3), "version", "VRRP version 3, ours is 2"),
    (config(version=3), advert(), "version", "VRRP version 2, ours is 3"),
    (config(), advert(auth_type=1), "auth_type", "authentication PASS, ours is none"),
    (config(**PASS), advert(auth_type=9), "auth_type", "authentication 9, ours is PASS"),
    (config(**PASS), advert(auth_type=1, auth_data=b"K8SHA123"), "auth_data",
     "another password than ours (the first 8 bytes count)"),
    (config(), advert(interval=200), "interval", "advertisement interval 2 s, ours is 1 s"),
    (config(), advert(addresses=(ip_address("10.0.0.8"),)), "addresses",
     ("the addresses 10.0.0.8, ours are 10.0.0.9: another virtual router uses VRID 51 on eth0, choose another "
      "virtual_router_id")),
    (config(version=3, addresses=[{"interface": "10.0.0.9"}, {"interface": "10.0.0.10"}]), advert(version=3),
     "addresses", "the addresses 10.0.0.9, ours are 10.0.0.9, 10.0.0.10"),
])
def test_what_differs_is_told_theirs_against_ours(ours, theirs, reason, words):
    found = mismatch(ours, theirs, check_addresses=True)
    assert (found.reason, found.sentence) == (reason, words)


def test_the_password_is_never_told():
    found = mismatch(config(**PASS), advert(auth_type=1, auth_data=b"othersxx"), check_addresses=True)
    assert "k8sha123" not in found.sentence
    assert "othersxx" not in found.sentence


@pytest.mark.parametrize("version", [2, 3])
def test_addresses_are_compared_only_when_wanted(version):
    theirs = advert(version=version, addresses=(ip_address("10.0.0.7"),))
    assert mismatch(config(version=version), theirs, check_addresses=False) is None


def test_what_travels_as_authentication():
    assert (auth_type(config()), auth_data(config())) == (0, bytes(8))
    assert (auth_type(config(**PASS)), auth_data(config(**PASS))) == (1, b"k8sha123")
    header = config(authentication={"kind": "AH", "password": "secret"})
    assert (auth_type(header), auth_data(header)) == (2, bytes(8))
    assert auth_type(config(version=3, **PASS)) == 0

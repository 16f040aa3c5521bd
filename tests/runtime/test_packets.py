import os
import subprocess
import sys
from ipaddress import ip_address

import pytest

from pyha.runtime import packets
from pyha.vrrp.advertisement import Advertisement, decode, encode

MAC = "02:00:00:99:00:01"


def advert(version: int, *addresses: str, priority: int = 150, password: bytes = b"", interval: int = 100):
    return Advertisement(version=version, vrid=51, priority=priority, interval=interval,
                         addresses=tuple(map(ip_address, addresses)), auth_type=int(bool(password)), auth_data=password)


# Captured from keepalived 2.2.7: (advertisement, source, destination, bytes)
CAPTURED = [
    (advert(2, "10.99.0.10"), "10.99.0.1", "224.0.0.18", "21339601000 13e5d0a63000a0000000000000000"),
    (advert(3, "10.99.0.10"), "10.99.0.1", "224.0.0.18", "3133960100644307 0a63000a"),
    (advert(3, "10.99.0.10", priority=0), "10.99.0.1", "224.0.0.18", "313300010064d907 0a63000a"),
    (advert(3, "10.99.0.10"), "10.99.0.1", "10.99.0.2", "31339601006418b5 0a63000a"),
    (advert(3, "fe80::5e:10", "fd00:99::10"), "fe80::ff:fe99:1", "ff02::12",
     "3133960200643e05 fe800000000000000000000000 5e0010 fd000099000000000000000000000010"),
]


@pytest.mark.parametrize(("advertisement", "source", "destination", "captured"), CAPTURED)
def test_advertisements_are_keepalived_s_to_the_byte(advertisement, source, destination, captured):
    made = packets.advertisement(advertisement, source=ip_address(source), destination=ip_address(destination))
    assert made == bytes.fromhex(captured.replace(" ", ""))


@pytest.mark.parametrize(("advertisement", "source", "destination", "_captured"), [
    *CAPTURED,
    (advert(2, "10.99.0.10", "10.99.0.11", password=b"42"), "10.99.0.1", "224.0.0.18", ""),
    (advert(2, "10.99.0.10", password=b"k8sha123", interval=300), "10.99.0.1", "224.0.0.18", ""),
])
@pytest.mark.parametrize("pseudo_header", [True, False])
def test_two_independent_builders_agree(advertisement, source, destination, _captured, pseudo_header):
    way = {"source": ip_address(source), "destination": ip_address(destination)}
    made = packets.advertisement(advertisement, **way, pseudo_header=pseudo_header)
    assert made == encode(advertisement, **way, pseudo_header=pseudo_header)
    read = decode(made, **way, ttl=255)
    assert (read.vrid, read.priority, read.addresses) == (51, advertisement.priority, advertisement.addresses)


def test_a_gratuitous_arp_is_keepalived_s_to_the_byte():
    assert packets.announcement(ip_address("10.99.0.10"), MAC) == bytes.fromhex(
        "ffffffffffff020000990001080600010800060400010200009900010a63000affffffffffff0a63000a")


def test_an_unsolicited_neighbour_advertisement_is_keepalived_s_to_the_byte():
    assert packets.announcement(ip_address("fd00:99::10"), "02:00:00:99:00:02") == bytes.fromhex(
        "33330000000102000099000286dd6000000000203afffd000099000000000000000000000010ff020000000000000000000000000001"
        "880058b120000000fd0000990000000000000000000000100201020000990002")


def test_scapy_writes_nothing_below_the_home_directory(tmp_path):
    code = "import os, sys, pyha.runtime.packets; print('XDG_CACHE_HOME' in os.environ, 'scapy.all' in sys.modules)"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**environment, "HOME": str(tmp_path)})
    assert done.stdout == "False False\n"
    assert list(tmp_path.iterdir()) == []


def test_a_cache_directory_of_the_operator_is_back_in_the_environment_afterwards(tmp_path):
    code = "import os, pyha.runtime.packets; print(os.environ['XDG_CACHE_HOME'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)})
    assert done.stdout == f"{tmp_path}\n"
    assert list(tmp_path.iterdir()) == []

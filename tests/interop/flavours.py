"""The ways in which two routers can speak VRRP, each as one configuration that all of them understand."""

from dataclasses import dataclass, replace

VRID = 51
PASSWORD = "k8sha123"


@dataclass(frozen=True)
class Flavour:
    """What all routers of a segment have in common. `interval` is advert_int in seconds."""

    name: str
    version: int = 2
    interval: float = 1.0
    ipv6: bool = False
    authentication: str = ""  # PASS or AH
    unicast: bool = False
    vmac: bool = False

    def own(self, number: int) -> str:
        """The address that node 1, 2 ... has itself, which is where its unicasts come from."""
        return f"fd00:99::{number}" if self.ipv6 else f"10.99.0.{number}"

    @property
    def vip(self) -> str:
        """The virtual address, without a prefix length."""
        return "fd00:99::10" if self.ipv6 else "10.99.0.10"

    @property
    def prefixed(self) -> str:
        """The virtual address as configurations have it."""
        return f"{self.vip}/128" if self.ipv6 else f"{self.vip}/24"

    def down(self, priority: int) -> float:
        """Seconds of silence after which a router of this priority takes over (RFC 9568 section 6.1)."""
        return 3 * self.interval + self.skew(priority)

    def skew(self, priority: int) -> float:
        """RFC 9568 section 6.1; version 2 counts in whole seconds, whatever the interval (RFC 3768 section 6.1)."""
        return (256 - priority) / 256 * (self.interval if self.version == 3 else 1.0)


@dataclass(frozen=True)
class Setup:
    """What one router is told, its flavour included."""

    flavour: Flavour
    priority: int
    address: str = "10.99.0.1"  # its own
    peers: tuple[str, ...] = ()  # everybody's own addresses, which only unicast needs
    preempt: bool = True
    vips: tuple[str, ...] = ()  # empty: the flavour's
    password: str = PASSWORD
    lease: str = ""  # pyha's address_lease, which keepalived has no word for
    more: str = ""  # further lines of its vrrp_instance
    outside: str = ""  # and outside of it

    def at(self, priority: int) -> "Setup":
        """The same with another priority."""
        return replace(self, priority=priority)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The virtual addresses with their prefix lengths."""
        return self.vips or (self.flavour.prefixed,)

    def keepalived_conf(self) -> str:
        """As a keepalived.conf, which keepalived and pyha read."""
        flavour = self.flavour
        return "\n".join([
            "global_defs {",
            "  router_id interop",
            f"  vrrp_version {flavour.version}",
            "}",
            self.outside,
            "vrrp_instance VI_1 {",
            "  state BACKUP",
            "  interface eth0",
            f"  virtual_router_id {VRID}",
            f"  priority {self.priority}",
            f"  advert_int {flavour.interval:g}",
            *self._options(),
            self.more,
            "  virtual_ipaddress {",
            *(f"    {vip}" for vip in self.addresses),
            "  }",
            "}",
            "",
        ])

    def _options(self) -> list[str]:
        flavour, lines = self.flavour, []
        if not self.preempt:
            lines.append("  nopreempt")
        if flavour.vmac:
            lines.append("  use_vmac")
        if flavour.authentication:
            lines += ["  authentication {", f"    auth_type {flavour.authentication}",
                      f"    auth_pass {self.password}", "  }"]
        if flavour.unicast:
            peers = [f"    {peer}" for peer in self.peers if peer != self.address]
            lines += [f"  unicast_src_ip {self.address}", "  unicast_peer {", *peers, "  }"]
        return lines


@dataclass(frozen=True)
class Synced(Setup):
    """Two virtual routers that change state together; the second needs the interface `leg` as well."""

    def keepalived_conf(self) -> str:
        first, _, one = super().keepalived_conf().partition("vrrp_instance")
        two = (one.replace("VI_1", "VI_2").replace(f"virtual_router_id {VRID}", f"virtual_router_id {VRID + 1}")
               .replace("10.99.0.10/24", "10.99.0.11/24"))
        end = two.rindex("}")
        two = two[:end] + "  track_interface {\n    leg\n  }\n}\n"
        group = "vrrp_sync_group VG_1 {\n  group {\n    VI_1\n    VI_2\n  }\n}\n"
        return f"{first}{group}vrrp_instance{one}vrrp_instance{two}"


FLAVOURS = {flavour.name: flavour for flavour in (
    Flavour("v2"),
    Flavour("v2 PASS", authentication="PASS"),
    Flavour("v2 AH", authentication="AH"),
    Flavour("v2 unicast", unicast=True),
    Flavour("v3", version=3, interval=0.3),
    Flavour("v3 fast", version=3, interval=0.1),
    Flavour("v3 unicast", version=3, interval=0.3, unicast=True),
    Flavour("v3 IPv6", version=3, interval=0.3, ipv6=True),
    Flavour("v3 vmac", version=3, interval=0.3, vmac=True),
    Flavour("v3 IPv6 vmac", version=3, interval=0.3, ipv6=True, vmac=True),
    # As in the recordings.
    Flavour("v2 unicast PASS", authentication="PASS", unicast=True),
    Flavour("v2 vmac xmit_base", vmac=True),
    Flavour("v3 half a second", version=3, interval=0.5),
    Flavour("v3 10 ms", version=3, interval=0.01),
    Flavour("v3 one second unicast", version=3, unicast=True),
    Flavour("v3 one second vmac", version=3, vmac=True),
    Flavour("v3 one second IPv6", version=3, ipv6=True),
    Flavour("v3 one second IPv6 unicast", version=3, ipv6=True, unicast=True),
    Flavour("v3 one second IPv6 vmac", version=3, ipv6=True, vmac=True),
)}

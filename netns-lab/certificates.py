"""An authority of the lab's own and a certificate for each apiserver, made anew in every run."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def create(directory: Path, servers: Mapping[str, Sequence[str]]) -> None:
    """Write ca.crt, and NAME.crt with NAME.key for each server; the values are the addresses it answers for.

    P-256 throughout: the lab shares two cores among everything, and these handshakes are the cheapest.
    """
    _openssl(directory, "req", "-x509", *_key("ca.key"), "-out", "ca.crt", "-days", "2", "-subj", "/CN=lab-ca",
             "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    for name, addresses in servers.items():
        names = ",".join(["DNS:kubernetes", f"DNS:{name}", *(f"IP:{address}" for address in addresses)])
        (directory / f"{name}.ext").write_text(
            f"subjectAltName={names}\nbasicConstraints=critical,CA:FALSE\n"
            "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
        )
        _openssl(directory, "req", *_key(f"{name}.key"), "-out", f"{name}.csr", "-subj", f"/CN={name}")
        _openssl(directory, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                 "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.crt")


def _key(file: str) -> list[str]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file]


def _openssl(directory: Path, *words: str) -> None:
    done = subprocess.run(["openssl", *words], cwd=directory, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr.strip()}")

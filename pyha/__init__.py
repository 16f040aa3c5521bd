"""pyha: one program in place of haproxy + keepalived in front of Kubernetes API servers."""

__version__ = "0.1.0"

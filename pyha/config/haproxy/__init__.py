"""haproxy.cfg, translated into the model."""

"""keepalived.conf, translated into the model."""

"""Balancing algorithms, one file each, under HAProxy's names (pure)."""

"""Searching a memory's keys: one protocol, one file a backend."""

"""Benchmarks: how fast a network trains on this machine."""

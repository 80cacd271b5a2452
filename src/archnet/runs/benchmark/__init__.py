"""Benchmarks of training speed and memory on this machine."""

"""Benchmarks of training steps and single layers."""

"""Runs as datasets of the hub, out and in, and pictures that were made elsewhere."""

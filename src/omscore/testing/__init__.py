"""Testing: what a host's tests build on."""

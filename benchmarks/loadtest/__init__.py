"""Many browsers at once against an app and a provider that fails now and then. See ``benchmarks/load.py``."""

"""What `benchmarks/close.py` closes, sends and measures with."""

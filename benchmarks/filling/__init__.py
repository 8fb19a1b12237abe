"""What benchmarks/backfill.py measures: a generated history, the jobs over it, and a process of its own for each."""

"""What benchmarks/text.py measures with: made documents, the bound, the peer's process and the news stage."""

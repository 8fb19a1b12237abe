"""What `benchmarks.serve` is made of: stored days, servers to compare with, and who asks them."""

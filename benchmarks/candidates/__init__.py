"""Who does the job of benchmarks/stream.py: one module each, run as a process of its own.

`python -m benchmarks.candidates.NAME KAFKA_URL TOPIC RECORDS COLLECT_AFTER` does a Task and prints an Outcome.
"""

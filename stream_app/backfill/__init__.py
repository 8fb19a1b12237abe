"""The seed commands' work: history filled in from the tables, in bulk, by the functions that the live path stands on.

What is written has the origin "backfill" and never takes a live row's place. Without the command line these are called
with a pool and a job; each returns a report.
"""

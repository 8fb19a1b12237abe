"""Contexts in files for research: Parquet, CSV, or numpy's .npz; one row a region a day, by region and date.

The same database gives the same bytes: no clock and no machine is in them.
"""

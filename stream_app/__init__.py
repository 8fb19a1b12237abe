"""Streams market prices and news into one joint regime context a region a day."""

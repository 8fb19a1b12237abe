"""Postgres: the only place with SQL. One module a table family; bulk in, bulk out."""

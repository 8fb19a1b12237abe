"""The database's history, in alembic's form: `stream-app db upgrade` brings a database to its newest revision."""

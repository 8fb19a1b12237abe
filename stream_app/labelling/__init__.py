"""Labellers of numeric vectors: fitted with scikit-learn, kept in a JSON file, read back for `stream_app.regime`."""

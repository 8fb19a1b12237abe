"""The embedded services: a real Apache Kafka and a real Postgres in a data folder, for laptop, demo and tests."""

from stream_app.embedded.services import Endpoints, running, running_kafka, running_postgres, start, stop

__all__ = ["Endpoints", "running", "running_kafka", "running_postgres", "start", "stop"]

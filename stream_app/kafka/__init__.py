"""Kafka: the batched Faust transport, the topics, reading the log, publishing."""

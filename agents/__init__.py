"""The stages, each named after the topic it reads: decode, one transaction, publish, and the transport acks."""

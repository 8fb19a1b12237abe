"""What research and services import: contexts that are stored, and contexts as they are published.

    from stream_app import client

    days = client.contexts("US", "2008-09-01", "2008-09-30")
    days.frame            # pandas: a row a day
    days.vectors          # numpy: float32 (days, 384), the rows of the frame

    async for received in client.subscribe(["US"]):
        received.context.as_of, received.vector, received.position

Where Kafka and Postgres are is found as the commands find it: from STREAM_APP_… variables, stream-app.toml, or the
embedded ones of the data folder. docs/client.md has more. Errors are those of stream_app.errors: UsageError for what
was asked, Retriable while a service is away, Fatal where waiting does not help.
"""

from schemas import JointRegimeContext
from stream_app.client.history import Contexts, contexts
from stream_app.client.subscription import Received, subscribe

__all__ = ["Contexts", "JointRegimeContext", "Received", "contexts", "subscribe"]

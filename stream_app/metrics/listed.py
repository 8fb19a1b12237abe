"""Every metric that there is. Who counts names one of these; docs, alerts and the dashboard are held against them.

Each sample has the label `stage` besides: the stage of the process that tells it, of a server `serve`. A label's values
are few: partitions, regions, models, reasons, parts and routes, never what a record holds or a client asks.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What Prometheus makes of a metric."""

    COUNTER = "counter"
    """It only grows, and begins at 0 when its process does."""
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: its name as Prometheus has it, its unit, its labels beside `stage`, and what it says.

    `buckets`: of a histogram, the upper bounds in its unit. `from_start`: values of the labels that are told with 0
    before anything is counted, since of a counter that appears Prometheus does not see how far it has come.
    """

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    meaning: str
    buckets: tuple[float, ...] = ()
    from_start: tuple[tuple[str, ...], ...] = ()


REASONS = (
    "null-value",
    "too-large",
    "not-utf8",
    "nul-character",
    "too-deep",
    "not-json",
    "unknown-version",
    "invalid",
    "no-key",
    "key-differs",
    "future-date",
    "not-encodable",
    "bad-origin",
)
"""Why a record is rejected, as schemas/README.md tells."""
QUICK_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
ANSWER_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
SLOW_SECONDS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0)

RECORDS = Metric(
    "stream_app_records_total",
    Kind.COUNTER,
    "records",
    (),
    "New records that the stage has stored, dead letters among them; a record that is delivered again is not one.",
)
REDELIVERED = Metric(
    "stream_app_redelivered_records_total",
    Kind.COUNTER,
    "records",
    (),
    "Records that were stored before and are published once more.",
)
REJECTED = Metric(
    "stream_app_rejected_records_total",
    Kind.COUNTER,
    "records",
    ("reason",),
    "New records that cannot be used, each a dead letter, by reason.",
    from_start=tuple((reason,) for reason in REASONS),
)
CHUNK_SECONDS = Metric(
    "stream_app_chunk_seconds",
    Kind.HISTOGRAM,
    "seconds",
    ("part",),
    "What a part of handling a chunk took: decode, encode (texts), transaction, publish; total is all of it, "
    "with tries that came to nothing and waits between them.",
    QUICK_SECONDS,
)
RETRIES = Metric(
    "stream_app_retries_total",
    Kind.COUNTER,
    "tries",
    (),
    "Tries at a chunk that came to nothing because a service refused or another worker was quicker.",
)
LAG = Metric(
    "stream_app_lag_records",
    Kind.GAUGE,
    "records",
    ("partition",),
    "Offsets between what is handled of a partition and its end, as the last fetch told it; of partitions that the "
    "worker reads.",
)
PARTITIONS = Metric("stream_app_partitions", Kind.GAUGE, "partitions", (), "Partitions that the stage reads.")
TEXTS = Metric(
    "stream_app_texts_total",
    Kind.COUNTER,
    "texts",
    ("vector",),
    "Different texts of the news that came: whose vector was computed, was there already (reused), or that the model "
    "cannot encode (failed).",
    from_start=(("computed",), ("reused",), ("failed",)),
)
CUT_WAITING = Metric(
    "stream_app_cut_waiting_seconds",
    Kind.GAUGE,
    "seconds",
    ("region",),
    "For how long the region's oldest closed or amended day has waited for the records below its cut; 0: none waits.",
)
CLOSE_TO_CONTEXT = Metric(
    "stream_app_close_to_context_seconds",
    Kind.HISTOGRAM,
    "seconds",
    ("region",),
    "From a day's close or amendment on the log to its context on the topic.",
    SLOW_SECONDS,
)
REVISIONS = Metric(
    "stream_app_revisions_total",
    Kind.COUNTER,
    "contexts",
    ("region", "model", "absent"),
    "Contexts that were made; `absent` is the reason of those without a vector, else empty.",
)
SERVICE_UP = Metric(
    "stream_app_service_up",
    Kind.GAUGE,
    "1 or 0",
    ("service",),
    "Whether Kafka or Postgres answers the stage, or has not been away for long enough to be told.",
)
OUTAGES = Metric(
    "stream_app_outages_total",
    Kind.COUNTER,
    "outages",
    ("service",),
    "How often Kafka or Postgres was told to be away.",
)
STAGE_ALIVE = Metric("stream_app_stage_alive", Kind.GAUGE, "1 or 0", (), "What /livez says of the stage.")
STAGE_READY = Metric("stream_app_stage_ready", Kind.GAUGE, "1 or 0", (), "What /readyz says of the stage.")
REQUESTS = Metric(
    "stream_app_requests_total",
    Kind.COUNTER,
    "requests",
    ("route", "status"),
    "Requests to which `stream-app serve` has begun to answer, by the route's path and the status; `other` is what was "
    "refused before a route was found, and the OpenAPI document.",
)
REQUEST_SECONDS = Metric(
    "stream_app_request_seconds",
    Kind.HISTOGRAM,
    "seconds",
    ("route",),
    "From a request to the end of its answer, streams of events aside.",
    ANSWER_SECONDS,
)
EVENT_STREAMS = Metric(
    "stream_app_event_streams", Kind.GAUGE, "streams", (), "Clients that follow new contexts of the server now."
)
MEMORY = Metric("process_resident_memory_bytes", Kind.GAUGE, "bytes", (), "Memory that the stage's process has in use.")
CPU = Metric("process_cpu_seconds_total", Kind.COUNTER, "seconds", (), "Processor time of the stage's process.")
STARTED = Metric("process_start_time_seconds", Kind.GAUGE, "seconds since 1970", (), "When the stage's process began.")

METRICS = (
    RECORDS,
    REDELIVERED,
    REJECTED,
    CHUNK_SECONDS,
    RETRIES,
    LAG,
    PARTITIONS,
    TEXTS,
    CUT_WAITING,
    CLOSE_TO_CONTEXT,
    REVISIONS,
    SERVICE_UP,
    OUTAGES,
    STAGE_ALIVE,
    STAGE_READY,
    REQUESTS,
    REQUEST_SECONDS,
    EVENT_STREAMS,
    MEMORY,
    CPU,
    STARTED,
)
OF_THE_PROCESS = (MEMORY, CPU, STARTED)
"""What prometheus-client itself knows of a process."""
NOT_COUNTED = (LAG, PARTITIONS, SERVICE_UP, OUTAGES, STAGE_ALIVE, STAGE_READY, EVENT_STREAMS)
"""What a stage's health or the server knows at the moment when it is asked; nobody counts it."""
OF_THE_SERVER = (REQUESTS, REQUEST_SECONDS, *OF_THE_PROCESS)
"""What a server counts; it tells nothing that only workers do."""

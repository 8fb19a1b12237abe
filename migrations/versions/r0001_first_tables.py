"""The first tables: inputs with their history, vectors, triggers, revisions, progress."""

from alembic import op

revision = "0001"
down_revision = None

POSITION = """
    log_epoch integer NOT NULL DEFAULT 0,
    log_timestamp_ms bigint NOT NULL DEFAULT 0,
    log_partition integer NOT NULL DEFAULT -1,
    log_offset bigint NOT NULL DEFAULT -1
"""
"""The place of a version in its topic's log. Rows without one (epoch 0) lose to every record of a log."""

PRICE_COLUMNS = """
    instrument_id text COLLATE "C" NOT NULL,
    trade_date date NOT NULL,
    open double precision,
    high double precision,
    low double precision,
    close double precision,
    adjusted_close double precision,
    volume double precision,
    currency text,
    metadata jsonb,
    retracted boolean NOT NULL DEFAULT false
"""

NEWS_COLUMNS = """
    article_id text COLLATE "C" NOT NULL,
    published_at timestamptz,
    news_date date,
    time_precision text NOT NULL,
    source text,
    language text,
    headline text,
    body text,
    regions text[] NOT NULL DEFAULT '{}',
    content_hash bytea,
    metadata jsonb,
    retracted boolean NOT NULL DEFAULT false
"""

STATEMENTS = (
    "CREATE EXTENSION IF NOT EXISTS vector",
    f"""CREATE TABLE prices_daily ({PRICE_COLUMNS}, {POSITION},
        PRIMARY KEY (instrument_id, trade_date),
        CHECK (retracted OR (close > 0 AND close < 'Infinity' AND volume >= 0 AND volume < 'Infinity')))""",
    f"""CREATE TABLE prices_history ({PRICE_COLUMNS}, {POSITION},
        PRIMARY KEY (instrument_id, trade_date, log_epoch, log_partition, log_offset))""",
    f"""CREATE TABLE news_articles ({NEWS_COLUMNS}, {POSITION},
        PRIMARY KEY (article_id),
        CHECK (retracted OR (published_at IS NOT NULL AND news_date IS NOT NULL AND content_hash IS NOT NULL)))""",
    f"""CREATE TABLE news_history ({NEWS_COLUMNS}, {POSITION},
        PRIMARY KEY (article_id, log_epoch, log_partition, log_offset))""",
    "CREATE INDEX news_articles_published_at ON news_articles (published_at)",
    "CREATE INDEX news_articles_news_date ON news_articles (news_date)",
    "CREATE INDEX news_history_published_at ON news_history (published_at)",
    "CREATE INDEX news_history_news_date ON news_history (news_date)",
    """CREATE TABLE models (
        model_id text PRIMARY KEY,
        kind text NOT NULL,
        dim integer NOT NULL,
        fingerprint text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now())""",
    """CREATE TABLE numeric_window_embeddings (
        entity_type text NOT NULL DEFAULT 'INSTRUMENT',
        entity_id text COLLATE "C" NOT NULL,
        as_of_date date NOT NULL,
        model_id text NOT NULL,
        window_days integer NOT NULL,
        window_spec jsonb NOT NULL,
        rows integer NOT NULL,
        vector vector(384) NOT NULL,
        origin text NOT NULL DEFAULT 'live',
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (entity_type, entity_id, as_of_date, model_id, window_days))""",
    """CREATE TABLE text_vectors (
        content_hash bytea NOT NULL,
        fingerprint text NOT NULL,
        vector vector(384) NOT NULL,
        PRIMARY KEY (content_hash, fingerprint))""",
    """CREATE TABLE text_embeddings (
        source_type text NOT NULL DEFAULT 'NEWS',
        source_id text COLLATE "C" NOT NULL,
        model_id text NOT NULL,
        content_hash bytea NOT NULL,
        vector vector(384) NOT NULL,
        origin text NOT NULL DEFAULT 'live',
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (source_type, source_id, model_id))""",
    """CREATE TABLE regions (
        region text COLLATE "C" PRIMARY KEY,
        live_since timestamptz)""",
    f"""CREATE TABLE day_triggers (
        region text COLLATE "C" NOT NULL,
        as_of date NOT NULL,
        number integer NOT NULL CHECK (number >= 1),
        event_id text NOT NULL,
        closed_at timestamptz NOT NULL,
        allow_stale boolean NOT NULL,
        calendar text NOT NULL,
        instruments text[] NOT NULL,
        languages text[] NOT NULL,
        news text NOT NULL,
        news_day text NOT NULL,
        cut jsonb,
        {POSITION},
        known_at timestamptz,
        published boolean NOT NULL DEFAULT false,
        computed boolean NOT NULL DEFAULT false,
        learnt boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (region, as_of, number))""",
    "CREATE INDEX day_triggers_as_of ON day_triggers (as_of)",
    """CREATE INDEX day_triggers_waiting ON day_triggers (region, log_timestamp_ms, log_partition, log_offset)
        WHERE NOT computed AND known_at IS NOT NULL""",
    "CREATE INDEX day_triggers_without_cut ON day_triggers (region) WHERE cut IS NULL",
    "CREATE INDEX day_triggers_unpublished ON day_triggers (region) WHERE NOT published",
    """CREATE TABLE late_marks (
        region text COLLATE "C" NOT NULL,
        as_of date NOT NULL,
        topic text NOT NULL,
        partition integer NOT NULL,
        log_epoch integer NOT NULL,
        log_offset bigint NOT NULL,
        PRIMARY KEY (region, as_of, topic, partition))""",
    """CREATE TABLE regimes (
        regime_record_id text PRIMARY KEY,
        as_of_date date NOT NULL,
        region text COLLATE "C" NOT NULL,
        model_id text NOT NULL,
        instruments text[] NOT NULL,
        regime_label text NOT NULL,
        confidence double precision NOT NULL,
        regime_embedding vector(384) NOT NULL,
        metadata jsonb,
        origin text NOT NULL DEFAULT 'live',
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (region, as_of_date, model_id, instruments, origin))""",
    """CREATE TABLE regime_transitions (
        region text COLLATE "C" NOT NULL,
        model_id text NOT NULL,
        as_of_date date NOT NULL,
        from_label text NOT NULL,
        to_label text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (region, model_id, as_of_date))""",
    """CREATE TABLE joint_embeddings (
        joint_type text NOT NULL DEFAULT 'REGIME_CONTEXT_V0',
        as_of_date date NOT NULL,
        region text COLLATE "C" NOT NULL,
        entity_scope jsonb NOT NULL,
        episode_id text,
        model_id text NOT NULL,
        revision integer,
        vector vector(384) NOT NULL,
        origin text NOT NULL DEFAULT 'live',
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (joint_type, region, as_of_date, model_id))""",
    "CREATE INDEX joint_embeddings_as_of ON joint_embeddings (as_of_date)",
    """CREATE TABLE joint_embedding_revisions (
        region text COLLATE "C" NOT NULL,
        as_of_date date NOT NULL,
        model_id text NOT NULL,
        revision integer NOT NULL CHECK (revision >= 1),
        trigger_number integer NOT NULL,
        event_id text NOT NULL,
        known_at timestamptz NOT NULL,
        closed_at timestamptz NOT NULL,
        inputs_hash text NOT NULL,
        absent_reason text,
        stale boolean NOT NULL,
        vector vector(384),
        payload bytea NOT NULL,
        published boolean NOT NULL DEFAULT false,
        sequence bigint GENERATED ALWAYS AS IDENTITY,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (region, as_of_date, model_id, revision),
        CHECK ((vector IS NULL) = (absent_reason IS NOT NULL)))""",
    """CREATE INDEX joint_embedding_revisions_unpublished ON joint_embedding_revisions (region, sequence)
        WHERE NOT published""",
    """CREATE INDEX joint_embedding_revisions_no_price ON joint_embedding_revisions (region, closed_at)
        WHERE absent_reason = 'no-price'""",
    """CREATE TABLE ingest_progress (
        topic text NOT NULL,
        partition integer NOT NULL,
        log_epoch integer NOT NULL DEFAULT 1,
        next_offset bigint NOT NULL,
        last_offset bigint,
        last_timestamp_ms bigint NOT NULL DEFAULT 0,
        last_checksum bigint,
        position_ms bigint NOT NULL DEFAULT 0,
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (topic, partition))""",
    """CREATE TABLE dead_letters (
        topic text NOT NULL,
        log_epoch integer NOT NULL,
        partition integer NOT NULL,
        log_offset bigint NOT NULL,
        log_timestamp_ms bigint NOT NULL,
        event_id text NOT NULL,
        key bytea,
        value bytea,
        reason text NOT NULL,
        error text NOT NULL,
        published boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (topic, log_epoch, partition, log_offset))""",
    "CREATE INDEX dead_letters_unpublished ON dead_letters (topic, partition, log_offset) WHERE NOT published",
)


def upgrade() -> None:
    """Create every table of the first release."""
    for statement in STATEMENTS:
        op.execute(statement)

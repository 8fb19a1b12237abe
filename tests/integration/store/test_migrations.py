"""Migrations that fill in what older rows lack."""

from stream_app.store import migrate
from stream_app.store.database import connect

OLDER = """
    ALTER TABLE regimes DROP COLUMN regimes_model_id, DROP COLUMN regimes_fingerprint;
    ALTER TABLE regime_transitions DROP COLUMN fingerprint;
    ALTER TABLE regime_transition_revisions DROP COLUMN fingerprint, DROP COLUMN recomputed;
    DROP INDEX joint_embedding_revisions_in_order;
    ALTER TABLE joint_embedding_revisions DROP COLUMN summary CASCADE;
    UPDATE alembic_version SET version_num = '0008';
    INSERT INTO models (model_id, kind, dim, fingerprint) VALUES ('r', 'regimes', 384, 'of r');
    INSERT INTO regime_transition_revisions (region, as_of_date, model_id, revision, trigger_number, event_id, known_at,
        from_label, to_label, confidence, withdrawn, payload)
    VALUES ('US', '2008-09-15', 'r', 1, 1, 'e', '2008-09-15 20:15Z', 'CALM', 'CRISIS', 1, false, '{}');
    INSERT INTO regime_transitions (region, as_of_date, model_id, from_label, to_label, confidence, revision)
    VALUES ('US', '2008-09-15', 'r', 'CALM', 'CRISIS', 1, 1);
"""


async def test_older_transitions_gain_the_fingerprint_of_what_labelled_them(database_url: str) -> None:
    connection = await connect(database_url)
    try:
        await connection.execute(OLDER)
        assert not (await migrate.status(database_url)).up_to_date
        await migrate.upgrade(database_url)
        revisions = await connection.fetch("SELECT fingerprint, recomputed FROM regime_transition_revisions")
        assert [tuple(row) for row in revisions] == [("of r", False)]
        assert await connection.fetchval("SELECT fingerprint FROM regime_transitions") == "of r"
        assert await connection.fetch("SELECT regimes_model_id FROM regimes") == []
    finally:
        await connection.close()

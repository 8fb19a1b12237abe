"""What the database alone knows: regions, contexts, models, dead letters, and what is left to be done."""

from stream_app.contexts.closing import definition_of
from stream_app.requeuing import LETTER_TOPICS
from stream_app.services import Services
from stream_app.status.facts import CountedLetters, ModelFacts, StoredFacts
from stream_app.status.regions import region_facts
from stream_app.store import definitions, handled_letters, models, replays, revisions, standing
from stream_app.store.database import Connection, connection
from stream_app.store.handled_letters import Choice

SENT_AFTER_INTERVALS = 3.0
"""What a worker sends every `republish_seconds` is left over when so many of them have passed."""


async def stored_facts(services: Services) -> StoredFacts:
    """Everything that the database knows. Raises Retriable while Postgres is away."""
    regions, joint = list(services.regions), [model.model_id for model in services.models.joint]
    today = {name: definition_of(region) for name, region in services.regions.items()}
    async with connection(services.pool) as conn:
        return StoredFacts(
            regions=await region_facts(services),
            contexts=await standing.last_contexts(conn, regions, joint),
            models=await _models(conn, services),
            letters=await counted_letters(conn, services, Choice([services.topic(name) for name in LETTER_TOPICS])),
            unpublished=await standing.unpublished(conn, SENT_AFTER_INTERVALS * services.settings.republish_seconds),
            other_definitions=await definitions.computed_under_another(conn, today),
            replay_unfinished=await replays.unfinished(conn) is not None,
        )


async def counted_letters(conn: Connection, services: Services, choice: Choice) -> list[CountedLetters]:
    """How many of the chosen letters there are, by topic and reason."""
    prefix = services.settings.topic_prefix
    return [
        CountedLetters(topic.removeprefix(prefix), reason, letters)
        for (topic, reason), letters in sorted((await handled_letters.counts(conn, choice)).items())
    ]


async def _models(conn: Connection, services: Services) -> list[ModelFacts]:
    """The models in use; the text model is not loaded, so whether it has changed only its stage can say."""
    known, used = await models.all_of(conn), services.models
    joint = {model.model_id: await revisions.days_without(conn, model.model_id) for model in used.joint}
    return [
        ModelFacts(used.text.model_id, "text", used.text.model_id in known),
        *(
            ModelFacts(
                model.model_id,
                model.kind,
                model.model_id in known,
                known.get(model.model_id, model) != model,
                joint.get(model.model_id, 0),
            )
            for model in used.registered
        ),
    ]

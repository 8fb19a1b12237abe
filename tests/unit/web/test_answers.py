"""Entity tags, formats, and that what is documented is what is answered."""

import datetime as dt
import types
from typing import Any, get_args

import msgspec
import numpy as np
import pytest

from schemas import encode
from stream_app.export.columns import COLUMNS, values
from stream_app.regime.joint import l2_norm
from stream_app.store.exported import ExportedDay
from stream_app.store.revision_rows import summary
from stream_app.store.vectors import to_rows
from stream_app.web import answers, documents, formats
from stream_app.web.answering import has_it
from stream_app.web.answers.contexts import ContextHeader, ContextRow
from stream_app.web.problems import Refused, wrong_parameter
from stream_app.web.rows import rows
from tests.unit.export.days import FRIDAY, MONDAY, chunk, context, filled_in, of_context, vector

LABELLED: dict[str, Any] = {"regimes_model_id": "regimes-us-v1", "regimes_fingerprint": "0" * 64}
PLAIN = {
    "text": str,
    "date": dt.date,
    "instant": dt.datetime,
    "integer": int,
    "float64": float,
    "float32": float,
    "flag": bool,
}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
        ('"aa"', False),
        ("", False),
        ('"b", *', False),
    ],
)
def test_a_client_has_an_answer_whose_tag_it_names(header: str, expected: bool) -> None:
    assert has_it(header, '"a"') is expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("text/csv", "csv"),
        ("text/csv;q=0.5, application/json;q=0.5", "json"),
        ("application/*;q=0.2, application/json;q=0", "arrow"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "json"),
        ("TEXT/CSV; charset=utf-8", "csv"),
        ("text/csv;q=nan", "csv"),
        (",,;q=", None),
        ("text/html", None),
        ("*/*;q=0", None),
    ],
)
def test_the_format_is_the_first_of_those_that_are_liked_best(accept: str, expected: formats.Format | None) -> None:
    if expected is None:
        with pytest.raises(Refused) as refused:
            formats.wanted(None, accept)
        assert refused.value.problem.status == 406
    else:
        assert formats.wanted(None, accept) == expected
        assert formats.wanted("csv", accept) == "csv"


def kinds(field: Any) -> set[Any]:
    """What a field may be, but for null."""
    found = get_args(field.type) if isinstance(field.type, types.UnionType) else (field.type,)
    return set(found) - {type(None)}


def test_a_row_has_the_columns_of_an_export_in_their_order_and_kinds() -> None:
    fields = msgspec.structs.fields(ContextRow)
    assert [field.name for field in fields] == [*COLUMNS, "vector"]
    for field, column in zip(fields, COLUMNS.values(), strict=False):
        if column.kind in PLAIN and field.name not in {"origin", "absent_reason"}:
            assert kinds(field) == {PLAIN[column.kind]}, field.name


def stored(day: ExportedDay, whole: bool) -> dict[str, Any]:
    """A day as a page of the store has it."""
    filled = day.context is None
    halves = {"numeric_model_id": day.numeric_model_id, "text_model_id": day.text_model_id}
    norm = None if day.vector is None else float(l2_norm(day.vector))
    return {
        "region": day.region,
        "as_of_date": day.as_of,
        "model_id": day.model_id,
        "origin": day.origin,
        "summary": None if day.context is None else summary(day.context, norm),
        "payload": None if day.context is None or not whole else encode(day.context),
        "entity_scope": halves if filled else None,
        "vector": to_rows(day.vector[np.newaxis])[0] if filled and day.vector is not None else None,
    }


@pytest.mark.parametrize(("vectors", "whole"), [(False, False), (False, True), (True, True)])
def test_rows_are_what_an_export_has_encoded_as_the_struct_that_documents_them(vectors: bool, whole: bool) -> None:
    days = [
        of_context(context(FRIDAY, vector(1), **LABELLED)),
        of_context(context(MONDAY, None)),
        filled_in(MONDAY, vector(2)),
    ]
    encoded = msgspec.json.encode(rows([stored(day, whole) for day in days], vectors))
    told = values(chunk(*days))
    exported = [dict(zip(told, row, strict=True)) for row in zip(*told.values(), strict=True)]
    found = [{name: row[name] for name in COLUMNS} for row in msgspec.json.decode(encoded)]
    assert found == msgspec.json.decode(msgspec.json.encode(exported))
    decoded = msgspec.json.decode(encoded, type=list[ContextRow])
    assert msgspec.json.decode(msgspec.json.encode(decoded)) == msgspec.json.decode(encoded)
    assert all((row.vector is msgspec.UNSET) is not vectors for row in decoded)


def test_a_header_tells_of_a_day_what_its_context_does() -> None:
    header = ContextHeader.of(of_context(context(MONDAY, None, region="EU", revision=3)))
    assert (header.region, header.revision, header.absent_reason, header.origin) == ("EU", 3, "no-news", "live")
    filled = ContextHeader.of(filled_in(FRIDAY, vector(1)))
    assert (filled.as_of, filled.origin, filled.revision, filled.known_at) == (FRIDAY, "backfill", None, None)


def test_a_problem_says_what_is_wrong_with_which_parameter() -> None:
    told = msgspec.json.decode(wrong_parameter("limit", "It is too large.").response().body)
    assert told == {
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "limit: It is too large.",
        "errors": [{"where": "query", "name": "limit", "detail": "It is too large."}],
    }


def references(value: Any) -> set[str]:
    """Every $ref in a document."""
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_every_schema_that_is_referred_to_is_there() -> None:
    _, schemas = msgspec.json.schema_components(answers.EVERY, ref_template=documents.REFERENCE)
    assert {name.removeprefix("#/components/schemas/") for name in references(schemas)} <= set(schemas)

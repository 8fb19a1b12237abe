"""What the routes answer with; the OpenAPI document has their schemas."""

import msgspec

from stream_app.web.answers.charts import AnalogueList, DayMap, Timeline
from stream_app.web.answers.contexts import ContextDetail, ContextHeader, ContextPage
from stream_app.web.answers.operations import (
    Alive,
    Health,
    LetterPage,
    ModelList,
    PipelineState,
    ReasonList,
)
from stream_app.web.answers.regions import RegionList

EVERY: tuple[type[msgspec.Struct], ...] = (
    RegionList,
    ContextPage,
    ContextDetail,
    AnalogueList,
    Timeline,
    DayMap,
    ModelList,
    LetterPage,
    ReasonList,
    PipelineState,
    Health,
    Alive,
    ContextHeader,
)
"""Those that a route answers with; what they hold comes with them."""

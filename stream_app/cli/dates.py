"""Dates and instants on the command line: ISO 8601 as people write it, and nothing else."""

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import typer

from stream_app import iso8601

Read = TypeVar("Read")


def _option(read: Callable[[str], Read]) -> Callable[[str], Read]:
    """The reader of an option: what is wrong with a text is typer's BadParameter, in the same sentence."""

    @wraps(read)
    def reader(text: str) -> Read:
        try:
            return read(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return reader


iso_date: Callable[[str], dt.date] = _option(iso8601.date)
iso_instant: Callable[[str], dt.datetime] = _option(iso8601.instant)
beginning: Callable[[str], dt.datetime] = _option(iso8601.beginning)
ending: Callable[[str], dt.datetime] = _option(iso8601.ending)

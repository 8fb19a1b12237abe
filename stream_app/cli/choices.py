"""What the command line chooses for every command: the options that stand before or after the command's name."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from stream_app.config import Settings

COMMAND_LINE = "cli"
"""What a log line of a command calls its stage."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The settings file (none: the default one) and the settings given as flags, by name."""

    config: Path | None = None
    flags: Mapping[str, str | Path] = field(default_factory=dict)

    def settings(self, more: "Mapping[str, object] | None" = None) -> "Settings":
        """Flags, and `more` of a command's own, over environment over the settings file.

        Raises UsageError in one sentence.
        """
        from stream_app.config import load_settings

        return load_settings({**self.flags, **(more or {})}, self.config)

    def environment(self, more: "Mapping[str, object] | None" = None) -> dict[str, str]:
        """The same choices as variables, for a process of our own: everybody may read its command line."""
        chosen = {"config": self.config, **self.flags, **(more or {})}
        return {f"STREAM_APP_{name.upper()}": str(value) for name, value in chosen.items() if value is not None}


def choices_of(ctx: typer.Context) -> Choices:
    """The choices of this command line; none were made where a command stands alone."""
    return ctx.find_object(Choices) or Choices()


def settings_of(
    ctx: typer.Context, stage: str = COMMAND_LINE, more: "Mapping[str, object] | None" = None
) -> "Settings":
    """The settings of this command line, with logging set up as they say; `stage` stands in its lines.

    `more` are the command's own flags by their settings' names, None where one was not given.
    A command has words of its own for what goes well: where no level is set, only a stage logs that.
    """
    from stream_app import logs

    settings = choices_of(ctx).settings(more)
    told = "log_level" in settings.model_fields_set
    level = "WARNING" if stage == COMMAND_LINE and not told else settings.log_level
    logs.configure(level, stage, settings.log_format)
    return settings

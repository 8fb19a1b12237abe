"""Where the database stands in each topic's log: whether that is still the same log, and going on if it is not."""

ADOPT = "log adopt"
"""The words of the command that goes on with a log as it is."""

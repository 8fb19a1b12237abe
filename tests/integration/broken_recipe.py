"""The recipe that breaks, and the one that does not, outside the fault tests' folder. Not collected by itself."""

from tests.faults.broken_recipe import test_that_breaks, test_that_passes

__all__ = ["test_that_breaks", "test_that_passes"]

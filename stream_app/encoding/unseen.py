"""Packages that transformers imports wherever they are installed, though nothing here uses what it does with them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

UNUSED = ("sklearn", "scipy")
"""For metrics and losses. They are here for `regimes fit`; a worker would import them for seconds at every start."""


def hide_from_transformers() -> None:
    """Have transformers find them not installed, now and later: it remembers what it has found.

    To be called before anything of it is imported but its utilities. Whoever else imports them finds them.
    """
    with _unseen():
        from transformers.utils import import_utils  # noqa: PLC0415 - it looks for packages when it is imported

        import_utils.is_sklearn_available()
        import_utils.is_scipy_available()


@contextmanager
def _unseen() -> Iterator[None]:
    """What is None in sys.modules is not found (importlib.util.find_spec)."""
    loaded = {name: sys.modules[name] for name in UNUSED if name in sys.modules}
    sys.modules.update(dict.fromkeys(UNUSED))  # type: ignore[arg-type]  # None is what the import system documents
    try:
        yield
    finally:
        for name in UNUSED:
            del sys.modules[name]
        sys.modules.update(loaded)

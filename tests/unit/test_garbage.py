"""The cycle collector while a stage runs."""

import gc
import weakref

import pytest

from stream_app.garbage import COLLECT_AFTER_OBJECTS, seldom_collected


def test_collections_are_seldom_while_a_stage_runs_and_as_before_afterwards() -> None:
    before = gc.get_threshold()
    with pytest.raises(RuntimeError), seldom_collected():
        assert gc.get_threshold() == (COLLECT_AFTER_OBJECTS, *before[1:])
        assert gc.get_freeze_count() > 0
        raise RuntimeError
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_what_was_there_before_is_collected_again_afterwards() -> None:
    class Node:
        other: "Node"

    node = Node()
    node.other = node
    seen = weakref.ref(node)
    with seldom_collected():
        pass
    del node
    gc.collect()
    assert seen() is None

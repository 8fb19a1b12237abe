"""A subscription's position is read as it was written, and nothing else is read as one."""

import pytest

from stream_app.client import positions
from stream_app.errors import UsageError


def test_a_position_is_read_as_it_was_written() -> None:
    offsets = {11: 0, 2: 345, 0: 10**15}
    assert positions.written(offsets) == "1:0=1000000000000000,2=345,11=0"
    assert positions.read(positions.written(offsets)) == offsets


@pytest.mark.parametrize(
    "position", ["", "1:", "0=1", "2:0=1", "1:0=1,", "1:0=-1", "1:0=1,0=2", "1:1=1,0=1", "1:0=01", "1:0=1 ", "1:0=٣"]
)
def test_what_was_not_written_is_no_position(position: str) -> None:
    with pytest.raises(UsageError, match="is not a subscription's position"):
        positions.read(position)

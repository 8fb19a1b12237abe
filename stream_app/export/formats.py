"""The formats of an export."""

from typing import Literal, get_args

Format = Literal["parquet", "csv", "npz"]
FORMATS: tuple[Format, ...] = get_args(Format)

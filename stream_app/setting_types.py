"""What a setting may be: the types of `config.Settings` that several of them share, and those that others name."""

from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

Given = TypeVar("Given")
Unset = Annotated[Given | None, BeforeValidator(lambda given: None if given == "" else given)]
"""A setting that may be left out; an empty text leaves it out as well, so that a variable can take back the file's."""
Username = Annotated[str, Field(max_length=256)]
_BY_COMMAS = BeforeValidator(
    lambda given: [name.strip() for name in given.split(",") if given] if isinstance(given, str) else given
)
"""Of a variable or a flag the names are parted by commas; in a file they are a list."""
Secret = Annotated[SecretStr, Field(max_length=1024)]
HostNames = Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,255}$")], ...], NoDecode, _BY_COMMAS]
SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
Device = Literal["auto", "cpu", "cuda", "mps"]

"""Ports are kept while they can be, and are never those that outgoing connections take."""

import socket
from pathlib import Path

import pytest

from stream_app.embedded import ports
from stream_app.embedded.ports import LOOPBACK, PORTS, is_free, keep_ports, stored_ports
from stream_app.errors import Fatal


def test_chosen_ports_are_distinct_free_and_kept(tmp_path: Path) -> None:
    chosen = keep_ports(tmp_path / "ports.json", 2)
    assert len(set(chosen)) == 2
    assert all(port in PORTS and is_free(port) for port in chosen)
    assert stored_ports(tmp_path / "ports.json") == keep_ports(tmp_path / "ports.json", 2) == chosen


def test_a_port_that_another_program_holds_is_replaced(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "ports.json").write_text(f"[{port}]")
        assert not is_free(port)
        assert keep_ports(tmp_path / "ports.json", 1) != [port]


@pytest.mark.parametrize("content", ["", "[1", "null", '["x"]', "{}"])
def test_a_damaged_ports_file_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "ports.json").write_text(content)
    assert stored_ports(tmp_path / "ports.json") == []


def test_no_free_port_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: False)
    with pytest.raises(Fatal, match=r"^No loopback port between 20000 and 32767 is free; end what holds them\.$"):
        keep_ports(tmp_path / "ports.json", 1)

"""The tests reach nothing beyond this machine."""

import socket

import pytest
from pytest_socket import SocketConnectBlockedError


def test_connecting_to_another_host_is_blocked() -> None:
    with socket.socket() as outside, pytest.raises(SocketConnectBlockedError):
        outside.connect(("192.0.2.1", 80))  # TEST-NET-1, nobody's

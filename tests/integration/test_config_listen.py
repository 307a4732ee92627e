import socket

import pytest

from config.check import listen_problem


def test_a_port_that_somebody_listens_on_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        listen = f"127.0.0.1:{held.getsockname()[1]}"
        assert (
            listen_problem(listen)
            == f"--listen {listen}: the port is in use; choose another one or stop what uses it"
        )
    assert listen_problem(listen) == ""


def test_a_port_that_was_just_used_is_free_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        listen = f"127.0.0.1:{server.getsockname()[1]}"
        with socket.create_connection(server.getsockname()) as client:
            accepted, _ = server.accept()
            accepted.close()  # this side closes first, so its end stays in TIME_WAIT
            client.recv(1)
    assert listen_problem(listen) == ""


@pytest.mark.parametrize("listen", ["8080", "localhost:", "localhost:http", "localhost:70000"])
def test_an_address_that_is_none_is_told(listen: str) -> None:
    assert "must be HOST:PORT" in listen_problem(listen)

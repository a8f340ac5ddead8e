from demo_api.server import healthz


def test_the_server_is_healthy() -> None:
    assert healthz() == {"status": "ok"}

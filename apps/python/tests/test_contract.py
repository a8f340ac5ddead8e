"""The contract of all apps holds, and every method of the SDKs works; see `contract/`."""

from conftest import Servers


def test_the_contract_holds(servers: Servers) -> None:
    done = servers.contract.result()
    assert done.returncode == 0, done.stderr

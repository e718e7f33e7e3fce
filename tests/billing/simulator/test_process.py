"""The simulator as bin/dev starts it: by its name, with its webhooks, and an account that outlives it."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import stripe as package

from billing.simulator.server import Server
from billing.simulator.world import World
from config import env
from infra.local import processes
from infra.local.ports import free_port


@contextmanager
def started(port: int, data: Path) -> Iterator["subprocess.Popen[str]"]:
    settings = {
        "SIMULATOR_PORT": str(port),
        # Where nobody listens: on the usual one a developer's bin/dev would be told of these customers.
        "WEB_PORT": str(free_port()),
        "DATA_DIR": str(data),
        "STRIPE_WEBHOOK_SECRETS": "whsec_1,whsec_0",
    }
    environment = {**os.environ, "ENV_FILES": "false", "SECRET_KEY": "k" * 60, **settings}
    process = subprocess.Popen(
        processes.command("simulator"), cwd=env.ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip().endswith(f"http://127.0.0.1:{port}")
        yield process
    finally:
        process.kill()
        process.wait()


def test_the_process_says_where_it_listens_and_keeps_all_that_it_has_answered(tmp_path: Path):
    port = free_port()
    address: Any = {"api": f"http://127.0.0.1:{port}"}
    client = package.StripeClient("sk_test_1", base_addresses=address)
    with started(port, tmp_path) as process:
        made = client.v1.customers.create({"name": "Acme"})
        client.v1.customers.update(made.id, {"name": "Acme Outdoor"})
        process.kill()
    with started(port, tmp_path) as process:
        assert client.v1.customers.retrieve(made.id).name == "Acme Outdoor"
        [endpoint] = client.v1.webhook_endpoints.list().data
        assert endpoint.url.endswith("/stripe/webhooks/")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    server = Server("127.0.0.1", 0, World())
    server.simulator.load(tmp_path / "stripe-account")
    assert server.simulator.world.store.secrets[endpoint.id]["signing"] == ["whsec_1"]
    server.server_close()

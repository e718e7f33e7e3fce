"""The simulator as bin/dev starts it: by its name, with its webhooks, and an account that outlives it."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import stripe as package

from billing.simulator.server import Server
from config import env
from infra.local import processes
from infra.local.ports import free_port


def test_the_process_says_where_it_listens_and_keeps_its_account(server: Server, world: Any, tmp_path: Path):
    port = free_port()
    settings = {
        "SIMULATOR_PORT": str(port),
        "DATA_DIR": str(tmp_path),
        "STRIPE_WEBHOOK_SECRETS": "whsec_1,whsec_0",
    }
    environment = {**os.environ, "ENV_FILES": "false", "SECRET_KEY": "k" * 60, **settings}
    process = subprocess.Popen(
        processes.command("simulator"), cwd=env.ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip().endswith(f"http://127.0.0.1:{port}")
        client = package.StripeClient("sk_test_1", base_addresses={"api": f"http://127.0.0.1:{port}"})
        made = client.v1.customers.create({"name": "Acme"})
        [endpoint] = client.v1.webhook_endpoints.list().data
        assert endpoint.url.endswith("/stripe/webhooks/")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    server.simulator.load(tmp_path / "stripe-account")
    assert world.store.get("customer", made.id)["name"] == "Acme"
    assert world.store.secrets[endpoint.id]["signing"] == ["whsec_1"]

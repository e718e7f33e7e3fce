"""Receivers of webhooks on this machine: TLS servers with a certificate authority of the tests' own."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME: Final = "hooks.receiver.example"


@dataclass
class Received:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes
    server_name: str | None


@dataclass
class Receiver:
    """A server that keeps what it gets and answers as it is told."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    answer: Callable[[Any], None] | None = None
    # Cleared, the receiver takes a message and does not answer until it is set again.
    may_answer: Event = field(default_factory=Event)

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}/in?key=1"

    @property
    def ids(self) -> list[str]:
        return [one.headers["webhook-id"] for one in self.received]


@contextmanager
def receiving(certificate: Path | None, name: str | None = None) -> Iterator[Receiver]:
    """A receiver on a free port; without a certificate it speaks plain HTTP."""
    receiver = Receiver()
    receiver.may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        server_name: str | None = None

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            said = getattr(self.request, "server_name", None)
            receiver.received.append(Received(self.path, headers, body, said))
            receiver.may_answer.wait(30)
            (receiver.answer or _answer)(self)

        def log_message(self, *args: Any) -> None:
            return

    def _answer(handler: Handler) -> None:
        handler.send_response(receiver.status)
        for name, value in receiver.headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(receiver.body)))
        handler.end_headers()
        handler.wfile.write(receiver.body)

    server = _Server(("127.0.0.1", 0), Handler)
    server.receiver = receiver
    receiver.port = server.server_port
    if certificate is not None:
        server.socket = _context(certificate).wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.may_answer.set()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    receiver: Receiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that hang up are what some tests are about."""


class _NamedSocket(ssl.SSLSocket):
    server_name: str | None = None


def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sslsocket_class = _NamedSocket
    context.sni_callback = lambda socket, name, _: setattr(socket, "server_name", name)
    return context


@dataclass(frozen=True)
class Authority:
    """An authority whose certificate is in one file, and one of a server in another."""

    trusted: Path
    server: Path


def make_authority(folder: Path, name: str = NAME) -> Authority:
    """A fresh authority and a certificate of it for one name."""
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = _name("Authority of the tests")
    root = _certificate(issuer, issuer, root_key.public_key(), root_key, x509.BasicConstraints(True, None))
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    leaf = _certificate(_name(name), issuer, key.public_key(), root_key, names)
    trusted, server = folder / "authority.pem", folder / "server.pem"
    trusted.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    server.write_bytes(private + leaf.public_bytes(serialization.Encoding.PEM))
    return Authority(trusted, server)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject: Any, issuer: Any, key: Any, signer: Any, extension: Any) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return builder.add_extension(extension, critical=False).sign(signer, hashes.SHA256())

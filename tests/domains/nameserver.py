"""A name server of one's own on a free port: zones in memory, and every way of answering badly."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Final

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

TTL: Final = 60


@dataclass
class NameServer:
    """Answers what `records` hold, `*` in the place of a first label included; all else does not exist."""

    address: tuple[str, int] = ("", 0)
    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    truncating: bool = False
    forging: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def setting(self) -> str:
        """As DNS_RESOLVER wants it."""
        return f"{self.address[0]}:{self.address[1]}"

    def put(self, name: str, kind: str, *values: str) -> None:
        """Set the records of one kind; without values there are none any more."""
        self.records[name, kind] = list(values)

    def answers(self, wire: bytes, by: str) -> Iterator[bytes]:
        """The messages that go back for one question."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind, by))
        if name in self.silent:
            return
        if forged := self.forging.get((name, kind)):
            yield self._forged(query, name, kind, forged)
        yield self._answer(query, name, kind, by)

    def _answer(self, query: dns.message.Message, name: str, kind: str, by: str) -> bytes:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name in self.failing:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif self.truncating and by == "udp":
            response.flags |= dns.flags.TC
        else:
            self._fill(response, name, kind)
        return response.to_wire()

    def _fill(self, response: dns.message.Message, name: str, kind: str, hops: int = 0) -> None:
        if not self._exists(name):
            response.set_rcode(dns.rcode.NXDOMAIN)
            return
        if values := self._values(name, kind):
            response.answer.append(_rrset(name, kind, values))
        elif (aliases := self._values(name, "CNAME")) and hops < 8:
            response.answer.append(_rrset(name, "CNAME", aliases))
            self._fill(response, aliases[0].rstrip("."), kind, hops + 1)

    def _values(self, name: str, kind: str) -> list[str]:
        wildcard = f"*.{name.partition('.')[2]}"
        return self.records.get((name, kind)) or self.records.get((wildcard, kind), [])

    def _exists(self, name: str) -> bool:
        wildcard = f"*.{name.partition('.')[2]}"
        return any(owner in {name, wildcard} for (owner, _), values in self.records.items() if values)

    def _forged(self, query: dns.message.Message, name: str, kind: str, values: list[str]) -> bytes:
        """What somebody sends who saw neither the question nor its number."""
        response = dns.message.make_response(query)
        response.id = (query.id + 1) % 65536
        response.answer.append(_rrset(name, kind, values))
        return response.to_wire()


def _rrset(name: str, kind: str, values: list[str]) -> dns.rrset.RRset:
    return dns.rrset.from_text(dns.name.from_text(name), TTL, dns.rdataclass.IN, kind, *values)


@contextmanager
def serving() -> Iterator[NameServer]:
    """A name server that listens by UDP and TCP on one port until the end of the block."""
    udp, tcp = _sockets()
    server = NameServer(udp.getsockname())
    threads = [Thread(target=_serve_udp, args=(server, udp)), Thread(target=_serve_tcp, args=(server, tcp))]
    for thread in threads:
        thread.daemon = True
        thread.start()
    try:
        yield server
    finally:
        udp.close()
        tcp.close()


def _sockets() -> tuple[socket.socket, socket.socket]:
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            tcp.bind(udp.getsockname())
        except OSError:
            udp.close()
            tcp.close()
            continue
        tcp.listen()
        return udp, tcp


def _serve_udp(server: NameServer, udp: socket.socket) -> None:
    with suppress(OSError):
        while True:
            wire, caller = udp.recvfrom(4096)
            for answer in server.answers(wire, "udp"):
                udp.sendto(answer, caller)


def _serve_tcp(server: NameServer, tcp: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = tcp.accept()
            with connection:
                (length,) = struct.unpack("!H", connection.recv(2))
                for answer in server.answers(connection.recv(length), "tcp"):
                    connection.sendall(struct.pack("!H", len(answer)) + answer)

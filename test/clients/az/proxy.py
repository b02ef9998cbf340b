"""A forward proxy that leads what is meant for Azure's public resource manager to the
local one. az goes there for the provider's calls in whatever cloud it is logged in to.

It speaks CONNECT. For the one host it ends TLS with a certificate of its own authority
and begins it anew to the local Azure. Names below that of the local Azure, such as those
of vaults, and the names of container registries lead there as they are. Everything else
it refuses: a proof connects to nothing outside.
"""

import datetime
import ipaddress
import pathlib
import select
import signal
import socket
import ssl
import sys
import tempfile
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "management.azure.com"
REGISTRIES = ".azurecr.io"
CHUNK = 1 << 16
IDLE_SECONDS = 120


class Proxy:
    """Runs from its making until close(). ca_file is the authority to trust."""

    def __init__(self, directory, origin, origin_ca):
        host, _, port = origin.removeprefix("https://").partition(":")
        self.origin = host, int(port or 443)
        self.ca_file = pathlib.Path(directory) / "proxy-ca.pem"
        self.outside, self.inside = _contexts(pathlib.Path(directory), self.ca_file), ssl.create_default_context(
            cafile=origin_ca
        )
        self.seen = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        """Takes no more connections; those there are end when az does."""
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.settimeout(IDLE_SECONDS)
        try:
            with connection:
                target = _connect_target(connection)
                if self._named(target):
                    connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    with socket.create_connection(self.origin, timeout=IDLE_SECONDS) as server:
                        _relay(connection, server)
                    return
                if target != HOST + ":443":
                    connection.sendall(b"HTTP/1.1 403 Only the resource manager is reached through here\r\n\r\n")
                    return
                self.seen += 1
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                with self.outside.wrap_socket(connection, server_side=True) as client, socket.create_connection(
                    self.origin, timeout=IDLE_SECONDS
                ) as raw, self.inside.wrap_socket(raw, server_hostname=self.origin[0]) as server:
                    _relay(client, server)
        except OSError:
            pass  # the client went away

    def _named(self, target):
        """Whether it is the local Azure, a name below its own, or a registry: az ends TLS there itself."""
        host, _, port = target.rpartition(":")
        if host.endswith(REGISTRIES) and port == "443":
            return True
        return port == str(self.origin[1]) and (host == self.origin[0] or host.endswith("." + self.origin[0]))


def _connect_target(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(CHUNK)
        if not more or len(head) > CHUNK:
            return ""
        head += more
    method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    return target.lower() if method == "CONNECT" else ""


def _relay(client, server):
    """Passes on what either says until one ends. One thread does both directions: no
    two may use a TLS connection at the same time."""
    other = {client: server, server: client}
    while True:
        ready = [one for one in other if isinstance(one, ssl.SSLSocket) and one.pending()] or select.select(list(other), [], [], IDLE_SECONDS)[0]
        if not ready:
            return
        for source in ready:
            source.setblocking(False)  # what came may be TLS's own, with nothing to pass on
            try:
                some = source.recv(CHUNK)
            except (ssl.SSLWantReadError, BlockingIOError):
                continue
            finally:
                source.settimeout(IDLE_SECONDS)
            if not some:
                return
            other[source].sendall(some)


def _contexts(directory, ca_file):
    """The proxy's side of TLS, with a certificate for HOST; ca_file gets its authority."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def certificate(name, key, issuer, signer, extensions):
        builder = x509.CertificateBuilder(
            issuer_name=_name(issuer),
            subject_name=_name(name),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - datetime.timedelta(hours=1),
            not_valid_after=now + datetime.timedelta(days=1),
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256())

    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    authority = certificate(
        "Proxy of a proof",
        authority_key,
        "Proxy of a proof",
        authority_key,
        [
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (identifier, False),
            (x509.KeyUsage(True, False, False, False, False, True, True, False, False), True),
        ],
    )
    leaf = certificate(
        HOST,
        key,
        "Proxy of a proof",
        authority_key,
        [
            (
                x509.SubjectAlternativeName([x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                False,
            ),
            (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False),
        ],
    )
    ca_file.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    pair = directory / "proxy.pem"
    pair.touch(mode=0o600)
    pair.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + leaf.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    return context


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def main(origin, origin_ca):
    """For people: prints what az needs in its environment and serves until it is ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with tempfile.TemporaryDirectory(prefix="aro-proxy-") as directory:
        proxy = Proxy(directory, origin, origin_ca)
        trust = pathlib.Path(directory) / "trust.pem"
        trust.write_bytes(pathlib.Path(origin_ca).read_bytes() + proxy.ca_file.read_bytes())
        print(f"export HTTPS_PROXY={proxy.address} NO_PROXY=localhost,127.0.0.1 REQUESTS_CA_BUNDLE={trust}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            proxy.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

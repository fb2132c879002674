"""Prints what an OpenSSL that knows post-quantum groups negotiates with the host and port given, one `name value` a line."""

import os
import socket
import sys

from OpenSSL import SSL


def main(host, port):
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.load_verify_locations(os.environ["AWS_CA_BUNDLE"])
    context.set_verify(SSL.VERIFY_PEER)
    context.set_alpn_protos([b"h2", b"http/1.1"])
    connection = SSL.Connection(context, socket.create_connection((host, int(port)), timeout=30))
    connection.setblocking(True)
    connection.set_tlsext_host_name(b"localhost")
    connection.set_connect_state()
    connection.do_handshake()
    print("group", connection.get_group_name())
    print("version", connection.get_protocol_version_name())
    print("suite", connection.get_cipher_name())
    print("protocol", connection.get_alpn_proto_negotiated().decode())


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A way to the server that passes everything on but notifications, as a pooler in transaction mode does."""

import socket, threading


class Deaf:
    """Behind 127.0.0.1; the server is at a socket in a directory."""

    def __init__(self, server):
        self.server, self.kept_back = server, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.server)
            threading.Thread(target=self.forth, args=(client, server), daemon=True).start()
            threading.Thread(target=self.back, args=(server, client), daemon=True).start()

    def forth(self, client, server):
        while data := received(client):
            server.sendall(data)
        server.close()

    def back(self, server, client):
        """The answer to the wish for TLS is one byte; then come messages: a letter, a length, the rest."""
        answer = server.recv(1)
        client.sendall(answer)
        if answer != b"N":
            client.sendall(b"".join(message(server)))
        while letter := received(server, 1):
            whole = letter + b"".join(message(server))
            if letter == b"A":
                self.kept_back += 1
            else:
                client.sendall(whole)
        client.close()


def received(connection, size=65536):
    try:
        return connection.recv(size)
    except OSError:
        return b""


def message(server):
    size = exactly(server, 4)
    return size, exactly(server, int.from_bytes(size, "big") - 4)


def exactly(server, size):
    data = b""
    while len(data) < size and (more := received(server, size - len(data))):
        data += more
    return data

"""A name server on 127.0.0.1:53, in a network where that port is ours: what it answers is said by the test."""

import ipaddress, socket, struct, threading, time
from collections import defaultdict

TYPES = {1: "A", 5: "CNAME", 28: "AAAA"}


class Resolver:
    def __init__(self):
        self.answers = {}                   # (name, type): answers to the first, second … question; the last one stays
        self.asked = defaultdict(int)       # (name, type): how often
        self.mute = set()                   # names that get no answer at all
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def says(self, name, *answers):
        """Each answer is a list of addresses, or another name."""
        for kind in ("A", "AAAA"):
            fits = [[text for text in answer if (":" in text) == (kind == "AAAA")] if isinstance(answer, list)
                    else answer for answer in answers]
            self.answers[name, kind] = fits
        return name

    def serve(self):
        while True:
            question, client = self.socket.recvfrom(512)
            labels, place = [], 12
            while length := question[place]:
                labels.append(question[place + 1:place + 1 + length].decode())
                place += 1 + length
            kind = TYPES.get(struct.unpack_from("!H", question, place + 1)[0])
            name = ".".join(labels).lower()
            self.asked[name, kind] += 1
            if name in self.mute:
                continue
            records = self.records(name, kind, self.asked[name, kind])
            code = 3 if records is None else 0      # NXDOMAIN
            head = question[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(records or []), 0, 0)
            self.socket.sendto(head + question[12:place + 5] + b"".join(records or []), client)

    def records(self, name, kind, time_asked):
        if (name, kind) not in self.answers:
            return None
        answers = self.answers[name, kind]
        answer = answers[min(time_asked, len(answers)) - 1]
        if isinstance(answer, str):                 # a CNAME, and what it leads to
            return [record(name, 5, encoded(answer)), *(self.records(answer, kind, 1) or [])]
        number = 1 if kind == "A" else 28
        return [record(name, number, ipaddress.ip_address(text).packed) for text in answer]


def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(name, number, data):
    """With a life of 0: it may be different at the next question."""
    return encoded(name) + struct.pack("!HHIH", number, 1, 0, len(data)) + data

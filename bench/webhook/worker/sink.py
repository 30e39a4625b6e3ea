"""A receiver of webhooks that answers as fast as it can, but for the path /slow, which takes two seconds; and what it
says of the worker that sends to it.

    sink.py PORT DELIVERIES WORKER_PID     ends when so many have come; the worker's memory on the way
    sink.py PORT 0 QUICK                   ends when so many have come that are not slow; how long they waited
"""

import asyncio, datetime, re, sys, time

port, deliveries, third = map(int, sys.argv[1:])
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
TIMESTAMP = re.compile(rb'"timestamp":"([^"]*)"')
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok"
came, slow, waited, memory = 0, 0, [], {}
over = asyncio.Event()


def resident():
    """Kilobytes."""
    with open(f"/proc/{third}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


def quick(body):
    global came
    came += 1
    if deliveries:
        if came % (deliveries // 10) == 0:
            memory[came] = resident()
        return over.set() if came == deliveries else None
    emitted = datetime.datetime.fromisoformat(TIMESTAMP.search(body)[1].decode().replace("Z", "+00:00"))
    waited.append(time.time() - emitted.timestamp())
    if came == third:
        over.set()


class Receiver(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.data = transport, b""

    def data_received(self, data):
        global slow
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            size = end + 4 + int(LENGTH.search(self.data, 0, end)[1])
            if len(self.data) < size:
                return
            request, self.data = self.data[:size], self.data[size:]
            if request.startswith(b"POST /slow"):
                slow += 1
                asyncio.get_running_loop().call_later(2, self.transport.write, ANSWER)
            else:
                quick(request[end:])
                self.transport.write(ANSWER)


async def main():
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", port, backlog=512)
    print("ready", flush=True)
    await over.wait()
    server.close()


asyncio.run(main())
if deliveries:
    for count, size in memory.items():
        print(count, size)
else:
    waited.sort()
    print(round(waited[int(len(waited) * 0.99)] * 1000), slow)

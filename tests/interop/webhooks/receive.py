"""Receives one delivery, as any server of HTTP would: the first argument is a folder, where it writes its port, and
then what came, with the secrets that the folder has."""

import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parents[2] / "worker"))

from receiver import Receiver, lowered  # noqa: E402

folder = Path(sys.argv[1])
receiver = Receiver()
(folder / "port.new").write_text(str(receiver.server_port))
(folder / "port.new").rename(folder / "port")
with receiver.arrived:
    receiver.arrived.wait_for(lambda: receiver.came["/ok"], 60)
_, headers, body, _ = receiver.came["/ok"][0]
made = json.loads((folder / "secrets.json").read_text()) | {"headers": lowered(headers), "body": body.decode()}
(folder / "made.json").write_text(json.dumps(made))

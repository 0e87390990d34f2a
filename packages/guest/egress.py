"""Prepares the machine for connections to the outside, then becomes the agent.

Every address is made local, so that programs can connect without a network card; nftables hands such connections to a
socket that the agent listens on. Node cannot set the socket option for that, so the socket is opened here; the agent
inherits it and finds its number in EMBERBOX_EGRESS.
"""

import json
import os
import socket
import subprocess
import sys

IP_TRANSPARENT = 19

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "wire.json"), encoding="utf-8") as file:
    WIRE = json.load(file)
PORT = WIRE["capturePort"]
OWN = WIRE["machineAddress"]
REACHED, REFUSED = WIRE["nameRanges"]["reached"], WIRE["nameRanges"]["refused"]
RULES = f"""
table inet emberbox {{
  set allowed {{ type ipv4_addr; flags interval; auto-merge; }}
  set refused {{
    type ipv4_addr; flags interval; auto-merge;
    elements = {{ {", ".join(WIRE["notPublic"])} }}
  }}
  chain output {{
    type filter hook output priority filter
    ip daddr {{ 127.0.0.0/8, {OWN} }} accept
    meta l4proto tcp accept
    meta nfproto ipv4 reject with icmp admin-prohibited
  }}
  chain capture {{
    type filter hook prerouting priority mangle
    meta nfproto != ipv4 accept
    ip daddr {{ 127.0.0.0/8, {OWN} }} accept
    meta l4proto != tcp accept
    iifname != "lo" accept
    ip daddr {REACHED} goto take
    ip daddr {REFUSED} tcp dport != {{ 80, 443 }} reject with tcp reset
    ip daddr {REFUSED} goto take
    ip daddr @allowed goto take
    ip daddr @refused reject with tcp reset
    goto take
  }}
  chain take {{
    meta l4proto tcp tproxy ip to 127.0.0.1:{PORT} accept
    meta l4proto tcp reject with tcp reset
  }}
}}
"""


def prepare() -> None:
    subprocess.run(["ip", "address", "add", f"{OWN}/32", "dev", "lo"], check=True)
    subprocess.run(["ip", "route", "add", "local", "default", "dev", "lo", "src", OWN, "table", "main"], check=True)
    subprocess.run(["nft", "-f", "-"], input=RULES.encode(), check=True)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
    listener.bind(("127.0.0.1", PORT))
    listener.listen(512)
    os.set_inheritable(listener.fileno(), True)
    os.environ["EMBERBOX_EGRESS"] = str(listener.detach())


if __name__ == "__main__":
    prepare()
    os.execvp(sys.argv[1], sys.argv[1:])

"""The node's end of a tunnel alone: ``python benchmarks/node_end.py URL KEY PORT``, until its input ends."""

from __future__ import annotations

import sys

from first_jupyter_remote.tunnel import Tunnel

if __name__ == "__main__":
    tunnel = Tunnel(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    sys.stdin.read()
    tunnel.close()

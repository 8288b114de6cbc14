"""The server that the official Engine.IO and Socket.IO suites are run against.

    python -m tests.protocol.conformance_app --port 3000 --ping-interval-ms 300 --ping-timeout-ms 200

The suites are in the repository socketio/socket.io: `docs/socket.io-protocol/v5-test-suite` (path `/socket.io/`) and
`docs/engine.io-protocol/v4-test-suite` (path `/engine.io/`). They pass with pings of 25 s and 20 s, too, where the
suites are given those numbers and three minutes a test; but for two of Socket.IO, which wait for three pings and join
nothing meanwhile: who does not is closed before.

With `--client` it serves the application of `packages/socket.io-client/test` instead, which expects port 3210. Of these
one fails: Fireside does not recover the state of a connection, `sync` does. And two that stop the clock (`reconnect
timeout`) fail now and then, whatever the server: they try to connect to port 80.
"""

import argparse
import sys
from pathlib import Path

if __package__ in (None, ""):
    # So that it can be run as a file, from anywhere.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from fireside.realtime.options import Options
from tests.protocol.apps import ANY_ORIGIN, client_edge, run, suite_edge


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ping-interval-ms", type=int, default=300)
    parser.add_argument("--ping-timeout-ms", type=int, default=200)
    parser.add_argument("--client", action="store_true", help="serve the application of the client's own tests")
    given = parser.parse_args()
    if given.client:
        return run(client_edge(Options(ping_interval_s=2, max_payload=1_000_000, origins=ANY_ORIGIN)), given.port)
    socket_io, engine_io = (
        Options(
            path=path,
            ping_interval_s=given.ping_interval_ms / 1000,
            ping_timeout_s=given.ping_timeout_ms / 1000,
            connect_timeout_s=1,
            max_payload=1_000_000,
            origins=ANY_ORIGIN,
        )
        for path in ("/socket.io/", "/engine.io/")
    )
    run(suite_edge(socket_io, engine_io), given.port)


if __name__ == "__main__":
    main()

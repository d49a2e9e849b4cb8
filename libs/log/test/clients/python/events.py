"""What the clients have in common: their options, and the events that Kafka's VerifiableProducer and -Consumer print."""

import argparse
import json
import signal
import sys
import threading
import time

lock = threading.Lock()


def emit(name, **fields):
    """Prints an event; clients call back from threads of their own."""
    with lock:
        sys.stdout.write(json.dumps({"name": name, **fields}) + "\n")
        sys.stdout.flush()


def run(modes):
    """Reads the options and does what the first argument says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=modes)
    parser.add_argument("--brokers", required=True, help="host:port")
    parser.add_argument("--topic", required=True)
    parser.add_argument("--count", type=int, default=0, help="records to produce")
    parser.add_argument("--keys", type=int, default=1, help="keys of the records, used one after the other")
    parser.add_argument("--rate", type=int, default=0, help="records a second; 0: no limit")
    parser.add_argument("--group")
    parser.add_argument("--instance", help="makes a static member")
    parser.add_argument("--session-timeout", type=int, default=6000, help="ms")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="setting of the client")
    options = parser.parse_args()
    options.settings = dict(each.split("=", 1) for each in options.set)
    modes[options.mode](options)


def paced(options):
    """0, 1, 2, … at the rate asked for."""
    started_at = time.monotonic()
    for i in range(options.count):
        if options.rate > 0:
            time.sleep(max(0, started_at + i / options.rate - time.monotonic()))
        yield i


def until_terminated():
    """A function that says whether SIGTERM has come."""
    terminated = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: terminated.set())
    return terminated.is_set

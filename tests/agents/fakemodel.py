#!/usr/bin/python3
"""Serves a scripted model and, where asked, the attacker's sink, until it is killed. README.md has the script format."""
import argparse
import json
import threading

from modelserver.journal import Journal
from modelserver.serve import ModelServer
from modelserver.sink import Sink


def main():
    options = parse_options()
    journal = Journal(options.log)
    variables = dict(pair.split("=", 1) for pair in options.var)
    scripts = dict(load_script(text) for text in options.script)
    model = ModelServer(scripts, variables, journal)
    started = {}
    if options.port is not None:
        started["model"] = model.listen_tcp(options.port)
    if options.unix:
        model.listen_unix(options.unix)
        started["unix"] = options.unix
    if options.sink_log:
        sink = Sink(Journal(options.sink_log))
        started |= {"web": sink.listen_web(), "raw": sink.listen_raw(), "udp": sink.listen_udp()}
    print(json.dumps(started), flush=True)
    threading.Event().wait()


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--script", action="append", required=True, metavar="[SESSION=]FILE")
    parser.add_argument("--var", action="append", default=[], metavar="K=V", help="overrides a variable of the script")
    parser.add_argument("--port", type=int, help="serve the model on this port of 127.0.0.1; 0 picks one")
    parser.add_argument("--unix", help="serve the model on this socket file, mode 0600")
    parser.add_argument("--log", default="model.jsonl", help="journal of the model's requests")
    parser.add_argument("--sink-log", help="also be the attacker's listeners, with this journal")
    return parser.parse_args()


def load_script(text):
    name, _, path = text.rpartition("=")
    with open(path, encoding="utf-8") as file:
        return name or "main", json.load(file)


if __name__ == "__main__":
    main()

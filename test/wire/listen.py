"""Joins in by docs/wire.md alone: solicits a partition, decodes beacons and samples of one participant, prints JSON.

usage: listen.py DOMAIN PARTITION GUID LAST_KEY
Prints "listening", then one line of JSON once a sample with LAST_KEY and a beacon have been seen.
"""

import json
import sys

from wire import Input, address_of, beacon, group_of, header, radio, receiver_of, samples, sender


def main():
    domain, partition, guid, last_key = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
    group, port = group_of(domain, partition)
    receiver, sending = receiver_of(address_of(domain), port), sender()
    print("listening", flush=True)

    solicit_group, solicit_port = group_of(domain, partition + "?")
    sending.sendto(radio(solicit_group, header(3, bytes(range(16)))), (address_of(domain), solicit_port))

    beacons, latest, done = [], {}, False
    while not (done and beacons):
        data = receiver.recv(65536)
        frame = Input(data)
        if frame.take(frame.uint(1)).decode() != group or frame.take(2) != b"NC":
            continue
        version, flags, kind, sender_guid = frame.uint(1), frame.uint(1), frame.uint(1), frame.take(16).hex()
        if version != 1 or flags & 1 or sender_guid != guid:
            continue
        if kind == 1:
            beacons.append(beacon(frame))
        elif kind == 2:
            for sample in samples(frame):
                latest[sample["key"]] = sample
                done = done or sample["key"] == last_key
    print(json.dumps({"group": group, "port": port, "beacon": beacons[-1], "samples": latest}))


main()

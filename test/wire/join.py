"""A participant by docs/wire.md alone: one writer and one reader, with beacons, presence and pulls.

usage: join.py DOMAIN PARTITION COUNT
Writes COUNT instances of topic `from-python`, again and again, and leaves out every third frame, so that its readers
have to pull. Reads topic `to-python` by pulling. Prints its GUID, and one line of JSON once it has an instance `end`.
Leaves with a goodbye when its input ends.
"""

import json
import os
import select
import struct
import sys
import time

import msgpack
import zmq

from wire import INTERFACE, Input, address_of, beacon, fnv1a64, group_of, header, radio, receiver_of, samples, sender, varint

GUID = os.urandom(16)
WRITER, READER = 1, 2
FIELDS = ["id", "n"]
QOS = {
    "reliability": "reliable",
    "durability": "transient-local",
    "deadlineMs": None,
    "liveliness": "automatic",
    "leaseMs": None,
    "ownership": "shared",
    "destinationOrder": "by-reception",
}


def type_hash(topic):
    return f"{fnv1a64(json.dumps([topic, ['id']], separators=(',', ':'))):016x}"


def u48(number):
    return number.to_bytes(6, "big")


class Participant:
    def __init__(self, domain, partition):
        self.partition = partition
        self.group, self.port = group_of(domain, partition)
        self.aside, self.aside_port = group_of(domain, partition + "?")
        self.address = address_of(domain)
        self.data, self.solicits = receiver_of(self.address, self.port), receiver_of(self.address, self.aside_port)
        self.sending = sender()
        self.context = zmq.Context()
        self.router = self.context.socket(zmq.ROUTER)
        self.stream_port = self.router.bind_to_random_port(f"tcp://{INTERFACE}")
        self.incarnation = int(time.time() * 1000)
        self.sequence = 0
        self.values, self.last_seq, self.sent_seq = {}, 0, 0

    def beacon(self, presence=False, goodbye=False):
        digest = [] if presence else [struct.pack(">I", WRITER) + u48(self.last_seq)]
        flags = (1 if goodbye else 0) | (2 if presence else 0)
        interval = 2000 if presence else 500
        body = u48(self.incarnation) + struct.pack(">IIB", self.sequence, 1, flags)
        body += struct.pack(">HHHIHH", self.stream_port, interval, 0, 0, 0, len(digest)) + b"".join(digest)
        self.sequence += 1
        group, port = (self.aside, self.aside_port) if presence else (self.group, self.port)
        self.sending.sendto(radio(group, header(1, GUID) + body), (self.address, port))

    def write(self, key, n, is_sent):
        self.last_seq += 1
        self.values[key] = (self.last_seq, msgpack.packb([key, n]), time.monotonic())
        if is_sent:
            frame = self.frame(self.sent_seq, [key])
            self.sending.sendto(radio(self.group, frame), (self.address, self.port))
        # One that is left out was sent, as far as the writer knows.
        self.sent_seq = self.last_seq

    def frame(self, prev_seq, keys):
        body = struct.pack(">I", WRITER) + u48(prev_seq) + struct.pack(">dH", time.time() * 1000, len(keys))
        for key in sorted(keys, key=lambda key: self.values[key][0]):
            seq, value, written = self.values[key]
            age_ms = int((time.monotonic() - written) * 1000)
            text = key.encode()
            body += b"\0" + varint(seq - prev_seq) + varint(age_ms) + varint(len(text)) + text + varint(len(value)) + value
            prev_seq = seq
        return header(2, GUID) + body

    def descriptor(self):
        writer = {
            "entity": WRITER,
            "topic": "from-python",
            "typeHash": type_hash("from-python"),
            "partitions": [self.partition],
            "qos": {**QOS, "autodispose": False, "ownershipStrength": 0},
            "fields": FIELDS,
            "lane": "datagram",
            "large": False,
        }
        reader = {
            "entity": READER,
            "topic": "to-python",
            "typeHash": type_hash("to-python"),
            "partitions": [self.partition],
            "qos": QOS,
        }
        with open("/proc/sys/kernel/random/boot_id") as file:
            boot_id = file.read().strip()
        namespaces = {name: os.stat(f"/proc/self/ns/{name}").st_ino for name in ("pid", "net")}
        return {
            "guid": GUID.hex(),
            "incarnation": self.incarnation,
            "version": 1,
            "name": "python",
            "identity": {
                "host": os.uname().nodename,
                "bootId": boot_id,
                "pid": os.getpid(),
                "startTimeTicks": None,
                "pidNamespace": namespaces["pid"],
                "networkNamespace": namespaces["net"],
            },
            "properties": {"language": "python"},
            "requestEndpoints": [f"tcp://{INTERFACE}:{self.stream_port}"],
            "liveEndpoints": [],
            "writers": [writer],
            "readers": [reader],
        }

    def answer(self):
        peer, request_id, body = self.router.recv_multipart()
        request = msgpack.unpackb(body)
        if request["ask"] == "introduce":
            reply = {"from": GUID.hex(), "descriptor": self.descriptor(), "knows": 0, "hears": True}
        elif request["ask"] == "peers":
            reply = {"peers": [], "more": False}
        elif request["ask"] == "fence":
            reply = {"from": GUID.hex(), "version": 1, "writers": [{"writer": WRITER, "seq": self.last_seq}]}
        else:
            tokens = {token["reader"]: token for token in request["tokens"] if token["writer"] == WRITER}
            progress = []
            for reader in request["descriptor"]["readers"]:
                if reader["topic"] != "from-python" or self.partition not in reader["partitions"]:
                    continue
                token = tokens.get(reader["entity"])
                since = 0 if token is None else token["seq"]
                newer = [key for key, (seq, _, _) in self.values.items() if seq > since]
                part = {
                    "reader": reader["entity"],
                    "writer": WRITER,
                    "action": "bootstrap" if token is None else "advance",
                    "base": self.last_seq if token is None else since,
                    "headSeq": self.last_seq,
                    "toSeq": self.last_seq,
                    "more": False,
                }
                progress.append({**part, "frame": self.frame(since, newer)} if newer else part)
            reply = {"descriptor": self.descriptor(), "progress": progress}
        self.router.send_multipart([peer, request_id, msgpack.packb(reply)])

    def pull(self, address, port):
        """All that the participant there has for this one's reader; the requester keeps no token."""
        dealer = self.context.socket(zmq.DEALER)
        dealer.linger = 0
        dealer.connect(f"tcp://{address}:{port}")
        request = {"ask": "pull", "descriptor": self.descriptor(), "hears": True, "knownVersion": 0, "tokens": []}
        dealer.send_multipart([struct.pack(">I", 7), msgpack.packb(request)])
        found = {}
        if dealer.poll(5000):
            request_id, body = dealer.recv_multipart()
            reply = msgpack.unpackb(body)
            self.fence(dealer, reply)
            assert request_id == struct.pack(">I", 7) and reply["descriptor"]["guid"]
            for part in reply["progress"]:
                frame = Input(part.get("frame") or b"")
                if part["reader"] == READER and frame.data:
                    assert frame.take(5) == b"NC\1\0\2" and frame.take(16).hex() == reply["descriptor"]["guid"]
                    found.update({sample["key"]: sample["value"] for sample in samples(frame)})
        dealer.close()
        return found

    def fence(self, dealer, pulled):
        """The present numbers of the participant there are not below those that a pull has just told."""
        dealer.send_multipart([struct.pack(">I", 8), msgpack.packb({"ask": "fence"})])
        assert dealer.poll(5000)
        request_id, body = dealer.recv_multipart()
        reply = msgpack.unpackb(body)
        assert request_id == struct.pack(">I", 8) and reply["from"] == pulled["descriptor"]["guid"]
        assert reply["version"] >= 1
        numbers = {writer["writer"]: writer["seq"] for writer in reply["writers"]}
        for part in pulled["progress"]:
            assert numbers[part["writer"]] >= part["headSeq"]


def main():
    domain, partition, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    self = Participant(domain, partition)
    print(GUID.hex(), flush=True)
    poller = zmq.Poller()
    for source in (self.router, self.data, self.solicits, sys.stdin):
        poller.register(source, zmq.POLLIN)
    beacon_due = presence_due = write_due = 0
    others, held, is_done, n = {}, {}, False, 0
    while True:
        now = time.monotonic()
        if now >= beacon_due:
            self.beacon()
            beacon_due = now + 0.5
            for address, port in list(others.values()):
                if not is_done:
                    held.update(self.pull(address, port))
        if now >= presence_due:
            self.beacon(presence=True)
            presence_due = now + 2
        if now >= write_due:
            n += 1
            self.write(f"k{n % count}", n, n % 3 != 0)
            write_due = now + 0.02
        if "end" in held and not is_done:
            is_done = True
            print(json.dumps(held), flush=True)
        ready = dict(poller.poll(10))
        if self.router in ready:
            self.answer()
        if sys.stdin.fileno() in ready and not sys.stdin.read(1):
            break
        if self.solicits.fileno() in ready:
            frame = Input(self.solicits.recv(65536))
            if frame.take(frame.uint(1)).decode() == self.aside and frame.take(5) == b"NC\1\0\3":
                beacon_due = 0
        if self.data.fileno() in ready:
            data, (address, _) = self.data.recvfrom(65536)
            frame = Input(data)
            if frame.take(frame.uint(1)).decode() != self.group or frame.take(5) != b"NC\1\0\1":
                continue
            guid = frame.take(16)
            if guid != GUID:
                others[guid] = (address, beacon(frame)["streamPort"])
    self.beacon(goodbye=True)
    self.beacon(presence=True, goodbye=True)


main()

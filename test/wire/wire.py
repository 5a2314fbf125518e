"""The wire format, from docs/wire.md alone: what `listen.py` and `join.py` share."""

import datetime
import socket
import struct

import msgpack

INTERFACE = "127.0.0.1"


def fnv1a64(text):
    hash_ = 0xCBF29CE484222325
    for byte in text.encode():
        hash_ = ((hash_ ^ byte) * 0x100000001B3) % 2**64
    return hash_


def base32(number):
    digits = ""
    while number:
        number, digit = divmod(number, 32)
        digits = "0123456789abcdefghijklmnopqrstuv"[digit] + digits
    return digits.rjust(13, "0")


def group_of(domain, name):
    hash_ = fnv1a64(name)
    return "p" + base32(hash_), 7400 + 250 * (domain % 101) + hash_ % 250


def address_of(domain):
    return f"239.255.0.{1 + domain // 101}"


class Input:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        if self.at + length > len(self.data):
            raise ValueError("truncated")
        self.at += length
        return self.data[self.at - length : self.at]

    def uint(self, length):
        return int.from_bytes(self.take(length), "big")

    def double(self):
        return struct.unpack(">d", self.take(8))[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.uint(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def end(self):
        if self.at != len(self.data):
            raise ValueError("trailing bytes")


ELEMENTS = dict(zip(range(11), "b B B h H i I f d q Q".split()))


def extension(code, data):
    if code == 0 and data == b"\0":
        return "undefined"
    if code == 0x42:
        return {"bigint": str(int.from_bytes(data, "big", signed=True))}
    if code == 0x74 and data[0] in ELEMENTS:
        element = "<" + ELEMENTS[data[0]]
        return {"kind": data[0], "elements": [item for (item,) in struct.iter_unpack(element, data[1:])]}
    if code == 0x74 and data[0] in (16, 17):
        return {"kind": data[0], "bytes": data[1:].hex()}
    raise ValueError(f"extension {code}")


def printable(item):
    if isinstance(item, datetime.datetime):
        return item.isoformat()
    if isinstance(item, bytes):
        return {"bytes": item.hex()}
    if isinstance(item, list):
        return [printable(inner) for inner in item]
    if isinstance(item, float) and item == 0:
        return str(item)
    return item


def value_of(data):
    return printable(msgpack.unpackb(data, ext_hook=extension, timestamp=3))


def beacon(frame):
    names = ("incarnation", 6), ("sequence", 4), ("descriptorVersion", 4), ("flags", 1), ("streamPort", 2)
    names += ("intervalMs", 2), ("loopDelayMs", 2), ("progress", 4), ("audience", 2)
    found = {name: frame.uint(length) for name, length in names}
    found["digest"] = [[frame.uint(4), frame.uint(6)] for _ in range(frame.uint(2))]
    frame.end()
    return found


def samples(frame):
    writer, seq, sent = frame.uint(4), frame.uint(6), frame.double()
    found = []
    for _ in range(frame.uint(2)):
        flags = frame.uint(1)
        seq += frame.varint()
        sample = {"writer": writer, "seq": seq, "disposed": bool(flags & 1), "ageMs": frame.varint(), "sentWallMs": sent}
        if flags & 2:
            sample["origin"] = [frame.take(16).hex(), frame.uint(4), frame.uint(6)]
        sample["key"] = frame.take(frame.varint()).decode()
        value = frame.take(frame.varint())
        sample["value"] = None if flags & 1 else value_of(value)
        found.append(sample)
    frame.end()
    return found


def receiver_of(address, port):
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    receiver.bind((address, port))
    membership = socket.inet_aton(address) + socket.inet_aton(INTERFACE)
    receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    return receiver


def sender():
    sending = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sending.bind((INTERFACE, 0))
    sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(INTERFACE))
    sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
    return sending


def header(kind, guid):
    return b"NC" + bytes([1, 0, kind]) + guid


def radio(group, body):
    return bytes([len(group)]) + group.encode() + body


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])

"""Runs a program that may not open sockets of a family, as systemd's RestrictAddressFamilies= does:
without-address-family.py netlink|unix program args…"""
import ctypes
import errno
import os
import platform
import struct
import sys

LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
family = {"unix": 1, "netlink": 16}[sys.argv[1]]
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
architecture, socket_call = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}[platform.machine()]

instructions = [
    (LOAD, 0, 0, ARCHITECTURE),
    (JUMP_EQUAL, 0, 5, architecture),
    (LOAD, 0, 0, NUMBER),
    (JUMP_EQUAL, 0, 3, socket_call),
    (LOAD, 0, 0, FIRST_ARGUMENT),
    (JUMP_EQUAL, 0, 1, family),
    (RETURN, 0, 0, REFUSE | errno.EAFNOSUPPORT),
    (RETURN, 0, 0, ALLOW),
]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in instructions))


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


libc = ctypes.CDLL(None, use_errno=True)
program = Program(len(instructions), ctypes.addressof(code))
if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, ctypes.byref(program), 0, 0) != 0:
    sys.exit(f"no seccomp filter: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[2], sys.argv[2:])

"""Runs a program with one system call refused: without-syscall.py NAME program args…

openat2 is refused as an old kernel refuses it (ENOSYS), set_mempolicy as a container does (EPERM)."""
import ctypes
import errno
import os
import platform
import struct
import sys

LOAD_NUMBER, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
CALLS = {
    "openat2": ({"x86_64": 437, "aarch64": 437}, errno.ENOSYS),
    "set_mempolicy": ({"x86_64": 238, "aarch64": 237}, errno.EPERM),
}
numbers, error = CALLS[sys.argv[1]]
number = numbers.get(platform.machine()) or sys.exit(f"the number of {sys.argv[1]} is not known here")

instructions = [
    (LOAD_NUMBER, 0, 0, 0),
    (JUMP_EQUAL, 0, 1, number),
    (RETURN, 0, 0, REFUSE | error),
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

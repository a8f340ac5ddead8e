"""Run a program of an image in its own namespaces.

These are: users, mounts, processes, network, host name, IPC.

Usage: sandbox.py ROOT WRITABLE PORT UID GID PROGRAM ARGUMENT...

The program is process 1 in the root file system ROOT, without capabilities and without a way to
gain any. It has its own /proc, /dev and /tmp. Everything else is read-only, because its files may
be shared with other roots, except for the folders WRITABLE: paths below ROOT, one per line. No
code of the image runs before all privileges are dropped: if this script runs as root, it switches
to UID and GID first; otherwise it keeps its user. The program's network is only its own loopback
device. Connections to 127.0.0.1:PORT on the machine are forwarded to the same port inside; with
PORT 0 none are. No link in ROOT is followed before ROOT is the root of the file system.

Needs Linux 5.8 or newer on x86_64 or aarch64. Exit code: the program's, or 128 + the signal that
killed it.
"""

import ctypes
import fcntl
import os
import platform
import signal
import socket
import struct
import sys
import threading
from typing import NoReturn

NEW_MOUNTS, NEW_PROCESSES = 0x00020000, 0x20000000
# Mounts, host name, IPC, users, network.
NAMESPACES = NEW_MOUNTS | 0x04000000 | 0x08000000 | 0x10000000 | 0x40000000
READ_ONLY, NOSUID, NODEV, NOEXEC, REMOUNT = 1, 2, 4, 8, 32
BIND, RECURSIVE, PRIVATE = 4096, 16384, 1 << 18
DETACH = 2
SET_PARENT_DEATH_SIGNAL, SET_DUMPABLE, SET_NO_NEW_PRIVILEGES = 1, 4, 38
SET_INTERFACE_FLAGS = 0x8914
UP_AND_RUNNING = 0x1 | 0x40
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}[platform.machine()]
# ROOT is mounted here in a private mount namespace: every user can enter /tmp, but not the folders
# above ROOT.
PLACE = "/tmp"

libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> None:
    converted = [a.encode() if isinstance(a, str) else a for a in arguments]
    if getattr(libc, name)(*converted) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name} {arguments}: {os.strerror(number)}")


def mount(
    source: str, target: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    call("mount", source, target, kind, ctypes.c_ulong(flags), options)


def become(uid: int, gid: int) -> None:
    """Drop root for good. Afterwards a user namespace gives rights only inside itself."""
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    # Otherwise /proc/self belongs to root, and the maps of the user namespace can't be written.
    call("prctl", SET_DUMPABLE, 1, 0, 0, 0)


def enter_namespaces(uid: int, gid: int) -> None:
    call("unshare", NAMESPACES)
    for file, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/self/{file}", "w") as out:
            out.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", UP_AND_RUNNING)
        fcntl.ioctl(any_socket, SET_INTERFACE_FLAGS, request)


def enter_root(root: str, writable: list[str]) -> None:
    for name in ("proc", "tmp", "dev"):
        if os.path.islink(f"{root}/{name}"):
            os.write(2, f"/{name} of the image is a link: the sandbox follows no links\n".encode())
            os._exit(126)
    mount("none", "/", None, RECURSIVE | PRIVATE)
    mount(root, PLACE, None, BIND | RECURSIVE)
    for folder in writable:
        mount(f"{PLACE}/{folder}", f"{PLACE}/{folder}", None, BIND)
    # A user namespace may not remove these flags.
    kept = os.statvfs(PLACE).f_flag & (NOSUID | NODEV | NOEXEC)
    mount("none", PLACE, None, REMOUNT | BIND | READ_ONLY | kept)
    mount("proc", f"{PLACE}/proc", "proc", NOSUID | NODEV | NOEXEC)
    mount("tmpfs", f"{PLACE}/tmp", "tmpfs", NOSUID | NODEV, "mode=1777")
    mount("tmpfs", f"{PLACE}/dev", "tmpfs", NOSUID | NOEXEC, "mode=755,size=64k")
    for name in ("null", "zero", "full", "random", "urandom"):
        with open(f"{PLACE}/dev/{name}", "w"):
            pass
        mount(f"/dev/{name}", f"{PLACE}/dev/{name}", None, BIND)
    os.chdir(PLACE)
    call("syscall", PIVOT_ROOT, ".", ".")
    call("umount2", ".", DETACH)
    os.chdir("/")


def program(root: str, writable: list[str], argv: list[str]) -> NoReturn:
    call("prctl", SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    enter_root(root, writable)
    socket.sethostname("probe")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    # Not os.execvp: it imports modules, which are not in this root file system.
    folders = [""] if "/" in argv[0] else os.environ.get("PATH", "/usr/bin:/bin").split(":")
    for folder in folders:
        try:
            os.execve(os.path.join(folder, argv[0]), argv, os.environ)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
    os.write(2, f"{argv[0]} is not a program in the image\n".encode())
    os._exit(127)


def copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        source.close()
        target.close()


def pass_on(listener: socket.socket, port: int) -> None:
    while True:
        outside, _ = listener.accept()
        # Not socket.create_connection: it imports modules, which this user may not be able to read.
        inside = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            inside.connect(("127.0.0.1", port))
        except OSError:
            outside.close()
            continue
        for pair in ((outside, inside), (inside, outside)):
            threading.Thread(target=copy, args=pair, daemon=True).start()


def main() -> None:
    # Not splitlines: it also splits at characters that a folder's name may contain.
    root, writable = sys.argv[1], [line for line in sys.argv[2].split("\n") if line]
    port, uid, gid = map(int, sys.argv[3:6])
    argv = sys.argv[6:]
    listener = None
    if port:
        listener = socket.create_server(("127.0.0.1", port))
    if os.geteuid() == 0:
        call("unshare", NEW_MOUNTS)
        mount("none", "/", None, RECURSIVE | PRIVATE)
        mount(root, PLACE, None, BIND | RECURSIVE)
        root = PLACE
        become(uid, gid)
    call("prctl", SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    enter_namespaces(os.geteuid(), os.getegid())
    # Ignore these signals: they go to the whole process group, so they also reach the program, and
    # this script ends when the program ends.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    guardian = os.fork()
    if guardian == 0:
        if listener:
            listener.close()
        call("prctl", SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        # After this call the process can't start threads, so the parent forwards the connections.
        call("unshare", NEW_PROCESSES)
        child = os.fork()
        if child == 0:
            program(root, writable, argv)
        end_as(child)
    if listener:
        threading.Thread(target=pass_on, args=(listener, port), daemon=True).start()
    end_as(guardian)


def end_as(child: int) -> NoReturn:
    _, status = os.waitpid(child, 0)
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


main()

"""What a decoder could try that somebody else has taken over.

Every attempt is one line: its name, and `done` or the name of the error.
"""

import ctypes
import errno
import os
import platform
import socket
import sys

port, parent, readable, writable, *addresses = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)


def attempt(name, action):
    try:
        action()
        print(name, "done")
    except MemoryError:
        print(name, "ENOMEM")
    except OSError as error:
        print(name, errno.errorcode.get(error.errno, error.errno))


def call(number, *arguments):
    if libc.syscall(number, *[ctypes.c_long(argument) for argument in arguments]) < 0:
        raise OSError(ctypes.get_errno(), "")


def connect(address):
    socket.create_connection((address, int(port)), timeout=5)


attempt("read_file", lambda: open(readable).read())
attempt("read_users", lambda: open("/etc/passwd").read())
attempt("read_environment", lambda: open("/proc/self/environ").read())
attempt("read_memory_of_parent", lambda: open(f"/proc/{parent}/mem").read())
attempt("read_processes", lambda: open(f"/proc/{parent}/cmdline").read())
attempt("read_devices", lambda: open("/dev/urandom").read(1))
attempt("list_root", lambda: os.listdir("/"))
attempt("list_data", lambda: os.listdir(os.path.dirname(readable)))
attempt("create_file", lambda: open(writable, "w"))
attempt("create_file_in_libraries", lambda: open("/usr/lib/openpan-was-here", "w"))
attempt("create_directory", lambda: os.mkdir(writable))
attempt("create_link", lambda: os.symlink("/", writable))
attempt("delete_file", lambda: os.unlink(readable))
attempt("change_mode", lambda: os.chmod(readable, 0o777))
attempt("change_root", lambda: os.chroot("/usr/lib"))
for address in addresses:
    attempt("connect", lambda: connect(address))
attempt("socket_ipv6", lambda: socket.socket(socket.AF_INET6))
attempt("socket_udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
attempt("socket_unix", lambda: socket.socket(socket.AF_UNIX))
attempt("socket_netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
attempt("socket_pair", socket.socketpair)
attempt("listen", lambda: socket.socket().bind(("127.0.0.1", 9000)))
attempt("fork", os.fork)
attempt("spawn", lambda: os.posix_spawn("/bin/true", ["true"], {}))
attempt("run_other_program", lambda: os.execv("/bin/true", ["true"]))
attempt("kill_parent", lambda: os.kill(int(parent), 9))
attempt("kill_all", lambda: os.kill(-1, 9))
attempt("become_root", lambda: os.setuid(0))
attempt("read_from_other_files", lambda: [os.fstat(fd) for fd in range(3, 64)])
attempt("allocate", lambda: bytearray(3 << 30))

CALLS = {
    "x86_64": {
        "ptrace": 101, "mount": 165, "unshare": 272, "setns": 308, "bpf": 321, "keyctl": 250,
        "perf_event_open": 298, "process_vm_readv": 310, "process_vm_writev": 311,
        "userfaultfd": 323, "memfd_create": 319, "io_uring_setup": 425, "clone3": 435,
        "pidfd_open": 434, "pidfd_getfd": 438, "open_by_handle_at": 304, "execveat": 322,
        "x32_fork": 0x40000000 + 57,
    },
}
for name, number in CALLS.get(platform.machine(), {}).items():
    attempt(name, lambda: call(number, 0, 0, 0, 0, 0))
attempt("clone_network", lambda: call(56, 0x40000000 | 17) if os.uname().machine == "x86_64" else call(220, 17))

print("user", os.getuid(), os.getgid())
print("environment", sorted(set(os.environ) - {"LC_CTYPE"}))

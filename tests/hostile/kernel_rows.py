"""Rows that look for a way through the kernel: shared objects, keys, rare calls, privileges."""

from __future__ import annotations

from .row import ERROR, GOOD, SIGNAL, HostileRow

KERNEL_ROWS = (
    HostileRow(
        "shared-memory",
        "shared memory, semaphores and queues that other processes could open",
        """
from multiprocessing import shared_memory
try:
    shared_memory.SharedMemory('planted_memory', create=True, size=4096)
    print(ALARM)
except OSError:
    pass
KEY, CREATE = 0x7B0B, 0o1666
if max(libc.shmget(KEY, 4096, CREATE), libc.semget(KEY, 1, CREATE), libc.msgget(KEY, CREATE)) >= 0:
    print(ALARM, 'System V')
for path in ('/dev/shm/planted', '/dev/mqueue/planted'):
    try:
        open(path, 'w').close()
        print(ALARM, path)
    except OSError:
        pass
""",
        watch=("no_litter",),
    ),
    HostileRow(
        "kernel-keys",
        "put a key where other processes of the user find it, and search theirs",
        """
SESSION, USER = -3, -4
results = [
    libc.syscall(NR['add_key'], b'user', b'planted', b'x', 1, SESSION),
    libc.syscall(NR['request_key'], b'user', b'planted', None, SESSION),
    libc.syscall(NR['keyctl'], 0, USER, 0),
]
print(ALARM if max(results) >= 0 else 'refused')
""",
    ),
    HostileRow(
        "rare-system-calls",
        "calls that programs do not need, and exploits do",
        """
room = ctypes.create_string_buffer(256)
calls = {
    'bpf': (0, room, 120), 'userfaultfd': (0,), 'perf_event_open': (room, 0, -1, -1, 0),
    'kexec_load': (0, 0, 0, 0), 'finit_module': (0, b'', 0), 'fanotify_init': (0, 0), 'fsopen': (b'tmpfs', 0),
    'swapon': (b'nothing', 0), 'acct': (0,), 'iopl': (3,), 'kcmp': (1, 1, 0, 0, 0), 'lookup_dcookie': (0, room, 9),
    'mbind': (0, 0, 0, 0, 0, 0), 'modify_ldt': (0, room, 16), 'remap_file_pages': (0, 0, 0, 0, 0),
    'vmsplice': (1, room, 0, 0), 'personality': (0x0400000,), 'memfd_secret': (0,),
    'process_madvise': (0, room, 0, 0, 0), 'name_to_handle_at': (-100, b'.', room, room, 0),
}
for name, arguments in calls.items():
    if libc.syscall(NR[name], *arguments) >= 0:
        print(ALARM, name)
""",
        in_a_call=True,
    ),
    HostileRow(
        "other-calling-conventions",
        "32-bit and x32 system calls, whose numbers a filter might not know",
        """
import mmap, platform
if platform.machine() == 'x86_64':
    print(ALARM if libc.syscall(0x40000000 + NR['getpid']) > 0 else 'refused', flush=True)
    prot, own = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    page = mmap.mmap(-1, 4096, own, prot)
    page.write(bytes([0x53, 0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0x5B, 0xC3]))  # getpid by the 32-bit gate
    gate = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    print(ALARM if gate() > 0 else 'refused')
""",
        frozenset({GOOD, SIGNAL, ERROR}),
    ),
    HostileRow(
        "gain-privileges",
        "become root or anybody else",
        """
import os
attempts = [
    lambda: os.setuid(0), lambda: os.setresuid(2, 2, 2), lambda: os.setresgid(0, 0, 0), lambda: os.setgroups([0]),
    lambda: os.seteuid(1),
]
for attempt in attempts:
    identity = os.getresuid(), os.getresgid()
    try:
        attempt()
        if (os.getresuid(), os.getresgid()) != identity:
            print(ALARM)
    except OSError:
        pass
PR_GET_NO_NEW_PRIVS = 39
if libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0:
    print(ALARM, 'a set-user program would have its privileges')
try:
    with open('/proc/self/status') as file:
        held = [line for line in file if line.startswith(('CapEff', 'CapPrm', 'CapBnd'))]
    if any(int(line.split()[1], 16) for line in held):
        print(ALARM, held)
except OSError:
    pass
""",
        in_a_call=True,
    ),
    HostileRow(
        "undo-the-hardening",
        "make the process traceable and unaware of its parent's death, raise limits, load a filter of its own",
        """
import resource
changes = {
    'dumpable': (4, 1), 'parent death': (1, 0), 'subreaper': (36, 1), 'memory map': (35, 6),
    'tracer': (0x59616D61, -1), 'no new privileges': (38, 0), 'keep capabilities': (8, 1), 'filter': (22, 1),
}
for name in ('dumpable', 'parent death', 'subreaper', 'memory map', 'tracer', 'no new privileges'):
    if libc.prctl(*changes[name], 0, 0, 0) == 0:
        print('changed', name)
raised = [
    resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE, resource.RLIMIT_AS,
    resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK,
]
for limit in raised:
    hard = resource.getrlimit(limit)[1]
    if hard != resource.RLIM_INFINITY:
        try:
            resource.setrlimit(limit, (hard + 1, hard + 1))
            print(ALARM, limit)
        except (OSError, ValueError):
            pass
""",
        in_a_call=True,
    ),
)

"""Rows that look at other processes, signal them, become more than one, or live on."""

from __future__ import annotations

from .row import ERROR, STOPPED, HostileRow

PROCESS_ROWS = (
    HostileRow(
        "read-the-environment",
        "find keys in the environment",
        """
import os
print(dict(os.environ), os.environb)
with open('/proc/self/environ') as file:
    print(file.read())
""",
        watch=("no_secret",),
        in_a_call=True,
    ),
    HostileRow(
        "read-other-processes",
        "read environment, arguments and memory of other processes",
        """
import os
own = {'self', str(os.getpid())}
listed = [name for name in os.listdir('/proc') if name.isdigit()] if os.path.isdir('/proc') else []
for pid in {'1', str(os.getppid()), str(CANARY_PID), *listed}:
    for name in ('environ', 'cmdline', 'maps', 'mem', 'stack', 'status', 'syscall'):
        try:
            with open(f'/proc/{pid}/{name}', 'rb') as file:
                data = file.read(40)
            if pid not in own:
                print(ALARM, pid, name, data)
        except OSError:
            pass
""",
        watch=("no_secret",),
        in_a_call=True,
    ),
    HostileRow(
        "reopen-others-descriptors",
        "open what other processes have open",
        """
import os
for pid in (os.getppid(), CANARY_PID, 1):
    for number in range(48):
        try:
            os.close(os.open(f'/proc/{pid}/fd/{number}', os.O_RDWR))
            print(ALARM, pid, number)
        except OSError:
            pass
""",
        in_a_call=True,
    ),
    HostileRow(
        "kernel-settings",
        "write settings that make the host's kernel run programs",
        """
paths = ['/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sysrq-trigger']
paths += ['/sys/kernel/uevent_helper', '/sys/fs/cgroup/release_agent', '/sys/fs/cgroup/memory/release_agent']
for path in paths:
    try:
        open(path, 'r+b').close()
        print(ALARM, path)
    except OSError:
        pass
""",
    ),
    HostileRow(
        "out-of-memory-score",
        "make the kernel spare this process, or prefer another one",
        """
import os
for pid in ('self', os.getppid(), CANARY_PID):
    try:
        with open(f'/proc/{pid}/oom_score_adj', 'w') as file:
            file.write('800')
        print(ALARM, pid)
    except OSError:
        pass
""",
    ),
    HostileRow(
        "attach-to-processes",
        "trace other processes, read and write their memory, take their descriptors",
        """
import os
PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206
room = ctypes.create_string_buffer(16)
span = (ctypes.c_void_p * 2)(ctypes.addressof(room), 8)
worked = []
for pid in (os.getppid(), CANARY_PID, 1):
    worked += [libc.ptrace(PTRACE_SEIZE, pid, 0, 0) == 0, libc.ptrace(PTRACE_ATTACH, pid, 0, 0) == 0]
    for name in ('process_vm_readv', 'process_vm_writev'):
        worked.append(libc.syscall(NR[name], pid, span, 1, span, 1, 0) > 0)
    handle = libc.syscall(NR['pidfd_open'], pid, 0)
    if handle >= 0:
        worked.append(libc.syscall(NR['pidfd_getfd'], handle, 0, 0) >= 0)
print(ALARM if any(worked) else 'refused')
""",
        watch=("canary_lives",),
        in_a_call=True,
    ),
    HostileRow(
        "signal-everybody",
        "stop and kill parent, group, canary and everything, by each call that sends signals",
        """
import os, signal
details = ctypes.create_string_buffer(128)
for number in (signal.SIGSTOP, signal.SIGKILL):
    for pid in (os.getppid(), CANARY_PID, 1, -CANARY_PID, -1):
        try:
            os.kill(pid, number)
        except OSError:
            pass
        if pid > 1:
            libc.syscall(NR['rt_sigqueueinfo'], pid, int(number), details)
            libc.syscall(NR['rt_tgsigqueueinfo'], pid, pid, int(number), details)
            libc.syscall(NR['tkill'], pid, int(number))
            libc.syscall(NR['tgkill'], pid, pid, int(number))
            handle = libc.syscall(NR['pidfd_open'], pid, 0)
            if handle >= 0:
                libc.syscall(NR['pidfd_send_signal'], handle, int(number), None, 0)
""",
        watch=("canary_lives",),
        in_a_call=True,
    ),
    HostileRow(
        "signal-by-file-owner",
        "have the kernel send the signal, as the owner of a pipe that becomes readable",
        """
import fcntl, os
F_SETOWN, F_SETSIG, O_ASYNC = 8, 10, 0o20000
reading, writing = os.pipe()
for pid in (CANARY_PID, os.getppid()):
    try:
        fcntl.fcntl(reading, F_SETOWN, pid)
        fcntl.fcntl(reading, F_SETSIG, 9)
        fcntl.fcntl(reading, fcntl.F_SETFL, O_ASYNC)
        os.write(writing, b'now')
    except OSError:
        print('refused')
""",
        watch=("canary_lives",),
    ),
    HostileRow(
        "slow-others-down",
        "change priority, processors and limits of other processes",
        """
import os, resource
def lower_limit():
    resource.prlimit(CANARY_PID, resource.RLIMIT_NOFILE, (2, 2))
attempts = [
    lambda: os.setpriority(os.PRIO_PROCESS, CANARY_PID, 15),
    lambda: os.setpriority(os.PRIO_USER, os.getuid(), 15),
    lambda: os.sched_setaffinity(CANARY_PID, {0}),
    lambda: os.sched_setscheduler(CANARY_PID, os.SCHED_IDLE, os.sched_param(0)),
    lower_limit,
]
for attempt in attempts:
    try:
        attempt()
        print(ALARM)
    except OSError:
        pass
""",
        watch=("canary_lives",),
    ),
    HostileRow(
        "steal-the-terminal",
        "join the parent's group, type into its terminal",
        """
import fcntl, os
TIOCSTI, TIOCSCTTY = 0x5412, 0x540E
attempts = [
    lambda: os.setpgid(0, os.getppid()),
    lambda: fcntl.ioctl(0, TIOCSTI, b'x'),
    lambda: fcntl.ioctl(1, TIOCSTI, b'x'),
    lambda: fcntl.ioctl(0, TIOCSCTTY, 1),
    lambda: os.open('/dev/tty', os.O_RDWR),
]
for attempt in attempts:
    try:
        attempt()
        print(ALARM)
    except OSError:
        pass
""",
    ),
    HostileRow(
        "fork-for-ever",
        "the fork bomb",
        """
import os
while True:
    try:
        os.fork()
    except OSError:
        continue
""",
        STOPPED | {ERROR},
        ("no_orphans", "canary_lives"),
        in_a_call=True,
    ),
    HostileRow(
        "fork-by-number",
        "make a process by each system call that can",
        """
import os
SIGCHLD = 17
if libc.syscall(NR['fork']) == 0:
    os._exit(0)
if libc.syscall(NR['clone'], SIGCHLD, 0, 0, 0, 0) == 0:
    os._exit(0)
request = (ctypes.c_uint64 * 11)()
request[4] = SIGCHLD
if libc.syscall(NR['clone3'], request, 88) == 0:
    os._exit(0)
try:
    print(ALARM, os.waitpid(-1, 0))
except ChildProcessError:
    print('refused')
""",
        in_a_call=True,
    ),
    HostileRow(
        "run-commands",
        "become a shell, run one, run something that is set-user",
        """
import os, subprocess
for command in ('/bin/sh', '/bin/su', '/usr/bin/sudo', '/usr/bin/python3', '/bin/busybox'):
    try:
        print(ALARM, subprocess.run([command, '-c', 'id'], capture_output=True, timeout=2).stdout)
    except (OSError, subprocess.SubprocessError) as error:
        print('refused', type(error).__name__)
os.execv('/bin/sh', ['sh', '-c', 'echo ' + ALARM])
""",
    ),
    HostileRow(
        "run-a-file-of-its-own",
        "execute a script from the own folder, and one that is only in memory",
        """
import os
script = b'#!/bin/sh\\necho ' + ALARM.encode()
with open('script', 'wb') as file:
    file.write(script)
os.chmod('script', 0o755)
memory = libc.syscall(NR['memfd_create'], b'm', 0)
if memory >= 0:
    os.write(memory, script)
for attempt in (lambda: os.execv('./script', ['script']), lambda: os.execv(memory, ['m'])):
    try:
        attempt()
    except (OSError, TypeError, ValueError):
        print('refused')
if memory >= 0:
    libc.syscall(NR['execveat'], memory, b'', None, None, 0x1000)
""",
    ),
    HostileRow(
        "daemon",
        "leave the session and live on after the program has ended",
        """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(20)
        open(OPEN_FOLDER + '/late', 'w').close()
    os._exit(0)
os.wait()
""",
        watch=("no_orphans", "files_unchanged"),
        in_a_call=True,
    ),
)

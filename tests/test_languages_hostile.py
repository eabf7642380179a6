"""What programs of other languages try, with shells and compilers at hand, they fail to do."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rewards.records import Ended, Job, JobResult, Limits, Program, ScriptStep, TestRun
from rewards.sandboxes.local import LocalSandbox, tools
from rewards.toolchains import TOOLCHAINS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="run on Linux, which has namespaces and seccomp")

SHORT = Limits(cpu_s=2.0, wall_s=15.0, memory_mb=128, disk_mb=8, output_kb=64)


@pytest.fixture(scope="module")
def local(loop: asyncio.Runner) -> Iterator[LocalSandbox]:
    sandbox = LocalSandbox(slots=1)
    loop.run(sandbox.start())
    if not sandbox.holds_other_languages:
        pytest.skip("run where namespaces can be had (level A): other languages need them")
    yield sandbox
    loop.run(sandbox.close())


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that any user of this machine may read."""
    path = Path("/tmp") / f"secret-{os.getpid()}"
    path.write_text("the answer\n")
    path.chmod(0o644)
    return path


def runs_of(
    loop: asyncio.Runner, sandbox: LocalSandbox, language: str, source: str, *steps: ScriptStep, limits: Limits = SHORT
) -> tuple[TestRun, ...]:
    if language not in tools.languages_here():
        pytest.skip(f"to run {language}: {TOOLCHAINS[language].install}")
    answer = loop.run(sandbox.run(Job(Program(source, language), steps or (ScriptStep(),), limits)))
    assert isinstance(answer, JobResult), answer
    return answer.runs


def run_one(loop: asyncio.Runner, sandbox: LocalSandbox, language: str, source: str, limits: Limits = SHORT) -> TestRun:
    return runs_of(loop, sandbox, language, source, limits=limits)[0]


def still_works(loop: asyncio.Runner, sandbox: LocalSandbox) -> None:
    run = run_one(loop, sandbox, "bash", "ls -A | grep -v main.sh; echo fine")
    assert run.stdout == ".shm\nfine\n", run


# Fetched names

FETCHED = [
    pytest.param("ln -s /usr/bin/env out", id="a link"),
    pytest.param("echo x > real; ln -s real out", id="a link within the directory"),
    pytest.param("mkfifo out", id="a named pipe"),
    pytest.param("mkfifo out; (while :; do echo x > out; done) &", id="a named pipe that somebody feeds"),
    pytest.param("mkdir out", id="a directory"),
    pytest.param("mkdir real; echo x > real/f; ln -s real d", id="a directory on the way is a link"),
    pytest.param("ln -s . d; mkfifo f", id="a loop of links"),
    pytest.param("truncate -s 8150k out", id="as large as the disk, and sparse"),
    pytest.param("mkdir d; echo x > d/f; chmod 0 d", id="a directory that is shut"),
    pytest.param("ln -s /proc/self/fd/0 out", id="a descriptor"),
    pytest.param("mknod out c 1 5", id="a device"),
]


@pytest.mark.parametrize("source", FETCHED)
def test_only_plain_files_are_handed_over(loop: asyncio.Runner, local: LocalSandbox, source: str) -> None:
    run = runs_of(loop, local, "bash", source, ScriptStep("stdin", fetch=("out", "d/f")))[0]
    assert run.ended is Ended.EXITED
    assert run.files == ()


def test_a_process_that_outlives_the_program_writes_nothing_more(loop: asyncio.Runner, local: LocalSandbox) -> None:
    source = "echo early > out; (trap '' HUP TERM; sleep 0.1; while :; do echo late > out; done) & disown; exit 0"
    run = runs_of(loop, local, "bash", source, ScriptStep(fetch=("out",)))[0]
    assert [file.content for file in run.files] == [b"early\n"]


def test_a_program_that_changes_itself_changes_no_later_run(loop: asyncio.Runner, local: LocalSandbox) -> None:
    source = (
        '#include <stdio.h>\n#include <unistd.h>\nint main(int n, char **v) { puts("own"); unlink("main");'
        ' FILE *f = fopen("main", "w"); fputs("#!/bin/sh\\necho changed\\n", f); fclose(f); return 0; }'
    )
    runs = runs_of(loop, local, "c", source, ScriptStep(), ScriptStep())
    assert [run.stdout for run in runs] == ["own\n", "own\n"]


# The host


def test_files_of_the_host_are_not_there(loop: asyncio.Runner, local: LocalSandbox, secret: Path) -> None:
    paths = [secret, "/etc/passwd", "/etc/shadow", "/etc/hostname", "/root", "/home", "/work", "/var", Path(__file__)]
    try:
        source = "\n".join(f"cat '{path}'; ls '{path}'" for path in paths)
        assert run_one(loop, local, "bash", source).stdout == ""
        read = "for (const f of ['readFileSync', 'readdirSync']) try { require('fs')[f](p); console.log(p) } catch {}"
        source = f"for (const p of {[str(path) for path in paths]}) {read}"
        assert run_one(loop, local, "javascript", source).stdout == ""
    finally:
        secret.unlink()


@pytest.mark.parametrize(
    "line",
    [
        '#include "/etc/passwd"',
        '#include "/etc/shadow"',
        '#include "../../../../etc/passwd"',
        '#include "/proc/1/environ"',
        'asm(".incbin \\"/etc/passwd\\"");',
        f'#include "{__file__}"',
    ],
)
def test_a_compiler_shows_no_file_of_the_host(loop: asyncio.Runner, local: LocalSandbox, line: str) -> None:
    run = run_one(loop, local, "c", f"{line}\nint main(void) {{ return 0; }}")
    assert run.ended is Ended.NOT_COMPILED
    assert "root:" not in run.stderr
    assert "asyncio" not in run.stderr


def test_python_packages_of_the_host_are_not_there(loop: asyncio.Runner, local: LocalSandbox) -> None:
    """Whoever evaluates with a package of problems has the answers among them."""
    source = "find / -name '*-packages' 2>/dev/null | while read d; do ls -A $d 2>/dev/null; done"
    assert run_one(loop, local, "bash", source).stdout == ""


def test_nothing_can_be_written_outside(loop: asyncio.Runner, local: LocalSandbox) -> None:
    places = "/ /usr /usr/bin /usr/lib /usr/local/lib /etc /dev /proc /var /root /home /proc/self"
    run = run_one(loop, local, "bash", f"for d in {places}; do touch $d/x 2>/dev/null && echo $d; done")
    assert run.stdout == ""


def test_other_processes_cannot_be_seen(loop: asyncio.Runner, local: LocalSandbox) -> None:
    source = (
        "cat /proc/1/cmdline /proc/1/environ; ls /proc/1/root /proc/self/root; for p in /proc/[0-9]*; do echo p; done"
    )
    run = run_one(loop, local, "bash", source)
    assert run.stdout in ("p\n", "p\np\n")


def test_the_kernel_shows_nothing_but_processes(loop: asyncio.Runner, local: LocalSandbox) -> None:
    source = "ls /proc | grep -v '^[0-9]*$'; ls /sys /run; cat /proc/meminfo /proc/cmdline /proc/sys/kernel/hostname"
    assert run_one(loop, local, "bash", source).stdout == "self\nthread-self\n"


def test_no_descriptor_of_the_sandbox_is_left_open(loop: asyncio.Runner, local: LocalSandbox) -> None:
    seen = run_one(loop, local, "bash", "cd /proc/$$/fd; echo *").stdout.split()
    assert set(seen) <= {"0", "1", "2", "3", "255"}  # 3 is the directory, 255 bash's own


def test_the_environment_tells_nothing_of_the_host(
    loop: asyncio.Runner, local: LocalSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY_OF_THE_HOST", "k")
    assert "API_KEY" not in run_one(loop, local, "bash", "env").stdout


def test_the_network_is_not_there(loop: asyncio.Runner, local: LocalSandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        server.setblocking(False)
        node = (
            f"require('net').connect({port}, '127.0.0.1').on('connect', () => console.log('in')).on('error', () => 0)"
        )
        assert run_one(loop, local, "javascript", node).stdout == ""
        assert run_one(loop, local, "bash", f"echo x > /dev/tcp/127.0.0.1/{port} && echo in").stdout == ""
        with pytest.raises(BlockingIOError):
            server.accept()


SYSCALLS = """
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
static void try(const char *name, long answer) {
    int refused = answer < 0 && (errno == EPERM || errno == ENOSYS || errno == EACCES);
    if (!refused) printf("%s %ld %d\\n", name, answer, errno);
}
int main(void) {
    char zero[128] = {0};
    try("socket inet", syscall(SYS_socket, 2, 1, 0));
    try("socket unix", syscall(SYS_socket, 1, 1, 0));
    try("socket netlink", syscall(SYS_socket, 16, 3, 0));
    try("socket vsock", syscall(SYS_socket, 40, 1, 0));
    try("ptrace", syscall(SYS_ptrace, 0, 0, 0, 0));
    try("unshare", syscall(SYS_unshare, 0x10000000));
    try("setns", syscall(SYS_setns, 0, 0));
    try("mount", syscall(SYS_mount, "none", ".", "tmpfs", 0, 0));
    try("chroot", syscall(SYS_chroot, "."));
    try("pivot_root", syscall(SYS_pivot_root, ".", "."));
    try("clone newuser", syscall(SYS_clone, 0x10000000 | 17, 0, 0, 0, 0));
    try("clone3", syscall(SYS_clone3, zero, sizeof zero));
    try("bpf", syscall(SYS_bpf, 0, zero, sizeof zero));
    try("keyctl", syscall(SYS_keyctl, 0, 0));
    try("io_uring_setup", syscall(SYS_io_uring_setup, 1, zero));
    try("userfaultfd", syscall(SYS_userfaultfd, 0));
    try("perf_event_open", syscall(SYS_perf_event_open, zero, 0, -1, -1, 0));
    try("memfd_create", syscall(SYS_memfd_create, "x", 0));
    try("open_by_handle_at", syscall(SYS_open_by_handle_at, 0, zero, 0));
    try("process_vm_readv", syscall(SYS_process_vm_readv, 1, 0, 0, 0, 0, 0));
    try("setuid", syscall(SYS_setuid, 0));
    try("chown", syscall(SYS_chown, ".", 0, 0));
    try("mknod device", syscall(SYS_mknodat, -100, "dev", 020666, 261));
    try("shmget", syscall(SYS_shmget, 0, 4096, 01600));
    try("fsopen", syscall(430, "tmpfs", 0));
    try("execveat", syscall(SYS_execveat, -100, "/bin/true", 0, 0, 0));
    try("x32", syscall(0x40000000 | 41, 2, 1, 0));
    return 0;
}
"""


def test_calls_that_lead_out_are_refused(loop: asyncio.Runner, local: LocalSandbox) -> None:
    run = run_one(loop, local, "c", SYSCALLS)
    assert run.stdout == ""
    assert run.ended is Ended.SIGNALLED  # the last one, of another architecture, kills
    tried = run_one(loop, local, "c", SYSCALLS.replace('    try("x32', '    // try("x32'))
    assert (tried.ended, tried.exit_code, tried.stdout) == (Ended.EXITED, 0, "")


def test_privileges_cannot_be_gained(loop: asyncio.Runner, local: LocalSandbox) -> None:
    source = (
        "unshare -Urm true && echo unshare; mount -t tmpfs x . && echo mount; su -c id; grep '^Cap[EPI].*[1-9a-f]$' "
    )
    source += "/proc/self/status; grep NoNewPrivs /proc/self/status"
    assert run_one(loop, local, "bash", source).stdout == "NoNewPrivs:\t1\n"


# Resources


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(":(){ :|:& };:; wait", id="a fork bomb"),
        pytest.param("while :; do (sleep 60 &) ; done", id="sleepers without end"),
        pytest.param("exec bash main.sh & exec bash main.sh", id="itself, twice"),
    ],
)
def test_a_fork_bomb_is_contained(loop: asyncio.Runner, local: LocalSandbox, source: str) -> None:
    run = run_one(loop, local, "bash", source, Limits(cpu_s=1.0, wall_s=3.0, memory_mb=1024))
    assert run.ended in (Ended.CPU_LIMIT, Ended.WALL_LIMIT, Ended.EXITED, Ended.MEMORY_LIMIT)
    still_works(loop, local)


def test_memory_counts_over_all_processes(loop: asyncio.Runner, local: LocalSandbox) -> None:
    source = "hog() { local x; x=$(yes | head -c 40000000); sleep 30; }\n"
    run = run_one(loop, local, "bash", source + "for i in 1 2 3 4 5 6; do hog & done; wait", Limits(memory_mb=100))
    assert run.ended is Ended.MEMORY_LIMIT


def test_memory_of_node_is_bounded(loop: asyncio.Runner, local: LocalSandbox) -> None:
    source = "const a = []; for (;;) a.push(Buffer.alloc(1 << 24, 1))"
    assert run_one(loop, local, "javascript", source).ended is Ended.MEMORY_LIMIT


def test_a_heap_that_is_full_is_a_memory_limit(loop: asyncio.Runner, local: LocalSandbox) -> None:
    source = "public class Main { public static void main(String[] a) { long[][] x = new long[1 << 20][];"
    source += " for (int i = 0; ; i++) x[i] = new long[1 << 17]; } }"
    limits = Limits(memory_mb=64)
    assert run_one(loop, local, "java", source, limits).ended is Ended.MEMORY_LIMIT


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("for i in 1 2 3 4; do yes | head -c 6000000 > f$i; done; sleep 5; exit 1", id="bytes"),
        pytest.param("mkdir /dev/shm/x; for i in 1 2 3; do yes | head -c 6M > /dev/shm/$i; done; sleep 5", id="shm"),
    ],
)
def test_the_disk_is_bounded(loop: asyncio.Runner, local: LocalSandbox, source: str) -> None:
    assert run_one(loop, local, "bash", source).ended is Ended.DISK_LIMIT
    still_works(loop, local)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("kill -9 -1", id="kill all"),
        pytest.param("kill -9 1; kill -INT 1; kill -TERM 1; kill -HUP 1; kill -STOP 1; echo on", id="kill the first"),
        pytest.param("kill -STOP $$", id="stop itself"),
        pytest.param("setsid sh -c 'trap \"\" TERM HUP INT; sleep 100' & exit 0", id="a daemon"),
        pytest.param("trap '' TERM HUP INT QUIT; sleep 100", id="deaf"),
        pytest.param("rm -rf /box / 2>/dev/null; rm -rf .; exit 0", id="delete everything"),
        pytest.param("mkdir -p $(yes d/ | head -300 | tr -d '\\n'); chmod -R 0 d; exit 0", id="deep and shut"),
        pytest.param("chmod 0 .; exit 0", id="shut the directory"),
        pytest.param("for i in {1..3000}; do : > $i; done; exit 0", id="many files"),
        pytest.param("exec 1<&- 2<&- 0<&-; exit 0", id="close everything"),
        pytest.param("truncate -s 0 /proc/self/fd/1; echo x; exit 0", id="cut its own output off"),
    ],
)
def test_the_next_program_finds_the_sandbox_as_it_was(loop: asyncio.Runner, local: LocalSandbox, source: str) -> None:
    run = run_one(loop, local, "bash", source, Limits(cpu_s=1.0, wall_s=1.0))
    assert run.ended in (Ended.EXITED, Ended.SIGNALLED, Ended.WALL_LIMIT)
    still_works(loop, local)


def test_what_a_compiler_is_told_to_flood_is_cut(loop: asyncio.Runner, local: LocalSandbox) -> None:
    line = "#define A(x) x x x x x x x x\nA(A(A(A(A(A(undeclared;))))))\n"
    run = run_one(loop, local, "c", f"int main(void) {{ {line} }}".replace("{ #", "{\n#"))
    assert run.ended is Ended.NOT_COMPILED
    assert len(run.stderr) <= 17 << 10


@pytest.mark.parametrize(("mb", "ended"), [(20, Ended.EXITED), (80, Ended.NOT_COMPILED)])
def test_a_line_that_makes_a_large_program_is_the_programs_affair(
    loop: asyncio.Runner, local: LocalSandbox, mb: int, ended: Ended
) -> None:
    """It goes through the memory of the host, and is more than its own disk limit: no fault of the sandbox."""
    run = run_one(loop, local, "c", f"char a[{mb} << 20] = {{1}}; int main(void) {{ return a[5]; }}")
    assert run.ended is ended
    still_works(loop, local)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("mmap(0, 1 << 20, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED", id="anonymous"),
        pytest.param('open("/dev/zero", O_RDWR) >= 0', id="a device"),
    ],
)
def test_memory_that_nothing_counts_cannot_be_had(loop: asyncio.Runner, local: LocalSandbox, source: str) -> None:
    includes = "#define _GNU_SOURCE\n#include <sys/mman.h>\n#include <fcntl.h>\n"
    assert run_one(loop, local, "c", f"{includes}int main(void) {{ return {source}; }}").exit_code == 0


def test_memory_in_sockets_counts(loop: asyncio.Runner, local: LocalSandbox) -> None:
    source = r"""
#include <sys/socket.h>
#include <unistd.h>
int main(void) {
    static char block[1 << 16];
    for (int i = 0; i < 4; i++) fork();
    for (int i = 0; i < 100; i++) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends)) return 1;
        while (write(ends[0], block, sizeof block) > 0);
    }
    sleep(5);
}"""
    assert run_one(loop, local, "c", source, Limits(memory_mb=128)).ended is Ended.MEMORY_LIMIT


def test_a_class_with_a_name_that_no_file_can_have_does_not_compile(loop: asyncio.Runner, local: LocalSandbox) -> None:
    source = f"public class {'A' * 300} {{ public static void main(String[] a) {{}} }}"
    assert run_one(loop, local, "java", source).ended is Ended.NOT_COMPILED

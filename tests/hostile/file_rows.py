"""Rows that go for files of the host: their content, their names, their modes, their being there."""

from __future__ import annotations

from .row import ERROR, HostileRow

REFUSED = frozenset({ERROR})

FILE_ROWS = (
    HostileRow(
        "read-a-secret",
        "open a private file of the user that runs the sandbox",
        "with open(SECRET_FILE) as file:\n    print(file.read(), ALARM)\n",
        REFUSED,
        ("no_secret",),
        in_a_call=True,
    ),
    HostileRow(
        "read-identity-files",
        "read what tells one host from another",
        """
import os
home = os.path.expanduser('~')
wanted = ['/etc/shadow', '/etc/passwd', '/etc/hostname', '/etc/machine-id', '/etc/ssh/ssh_host_ed25519_key']
wanted += ['/root/.bashrc', '/root/.netrc', home + '/.ssh/id_ed25519', home + '/.netrc', '/var/log/dpkg.log']
for path in wanted:
    try:
        with open(path, 'rb') as file:
            file.read(1)
        print(ALARM, path)
    except OSError:
        pass
""",
    ),
    HostileRow(
        "list-folders",
        "list homes and other folders of the host",
        """
import os, sys
# A private root holds the folders on the way to the interpreter, and nothing beside them.
way = {part for path in (sys.base_prefix, os.__file__, '/usr/share/zoneinfo') for part in path.split('/')}
way |= {'ld.so.cache', 'lib', 'lib64', 'x86_64-linux-gnu', 'aarch64-linux-gnu'}
for path in ('/root', '/home', '/srv', '/var', '/etc', '/opt', '/mnt', OPEN_FOLDER, os.path.dirname(SECRET_FILE)):
    try:
        if set(os.listdir(path)) - way:
            print(ALARM, path, os.listdir(path))
    except OSError:
        pass
""",
    ),
    HostileRow(
        "create-a-file",
        "write into a folder of the host that anybody may write to",
        "with open(OPEN_FOLDER + '/planted', 'w') as file:\n    file.write('x')\nprint(ALARM)\n",
        REFUSED,
        ("files_unchanged",),
        in_a_call=True,
    ),
    HostileRow(
        "truncate-by-name",
        "empty a file without opening it",
        "import os\nos.truncate(SECRET_FILE, 0)\nprint(ALARM)\n",
        REFUSED,
        ("files_unchanged",),
    ),
    HostileRow(
        "delete-and-rename",
        "delete files and folders of the host, move them about, steal them",
        """
import os
attempts = [
    lambda: os.unlink(SECRET_FILE),
    lambda: os.rename(SECRET_FILE, SECRET_FILE + '.moved'),
    lambda: os.rename(SECRET_FILE, 'mine'),
    lambda: os.replace('mine', SECRET_FILE),
    lambda: os.rmdir(OPEN_FOLDER),
    lambda: os.rename(OPEN_FOLDER, 'folder'),
]
open('mine', 'w').close()
for attempt in attempts:
    try:
        attempt()
        print(ALARM)
    except OSError:
        pass
""",
        watch=("files_unchanged",),
    ),
    HostileRow(
        "change-metadata",
        "change modes, owners, times and attributes, which Landlock does not cover",
        """
import os
attempts = [
    lambda: os.chmod(SECRET_FILE, 0o666),
    lambda: os.chmod(OPEN_FOLDER, 0),
    lambda: os.chown(SECRET_FILE, 12345, 12345),
    lambda: os.utime(SECRET_FILE, (5, 5)),
    lambda: os.setxattr(SECRET_FILE, 'user.mark', b'x'),
]
for attempt in attempts:
    try:
        attempt()
    except OSError:
        pass
""",
        watch=("files_unchanged",),
    ),
    HostileRow(
        "symbolic-link",
        "read a file of the host through a link in the own folder",
        "import os\nos.symlink(SECRET_FILE, 'door')\nwith open('door') as file:\n    print(file.read(), ALARM)\n",
        REFUSED,
        ("no_secret",),
    ),
    HostileRow(
        "hard-link",
        "give a file of the host a second name in the own folder",
        "import os\nos.link(SECRET_FILE, 'door')\nwith open('door') as file:\n    print(file.read(), ALARM)\n",
        REFUSED,
        ("no_secret",),
    ),
    HostileRow(
        "dots-upwards",
        "climb out of the own folder",
        """
for height in range(1, 12):
    try:
        with open('../' * height + SECRET_FILE.lstrip('/')) as file:
            print(file.read(), ALARM)
    except OSError:
        pass
""",
        watch=("no_secret",),
    ),
    HostileRow(
        "traps-for-the-cleaner",
        "leave links, a deep tree and a closed folder for the trusted side to fall over",
        """
import os
os.symlink(OPEN_FOLDER, 'link')
os.mkdir('sub')
os.symlink(OPEN_FOLDER, 'sub/link')
path = 'down'
for _ in range(220):
    os.mkdir(path)
    path += '/x'
os.chmod('down/x', 0)
os.chmod('down', 0)
os.mkfifo('pipe')
""",
        watch=("files_unchanged", "no_litter"),
    ),
    HostileRow(
        "poison-the-interpreter",
        "write modules, start-up files and caches that later programs would import",
        """
import os, sys
places = [os.path.dirname(os.__file__)] + [place for place in sys.path if place]
for place in places:
    for name in ('sitecustomize.py', 'usercustomize.py', 'late.pth', 'bisect.py', '__pycache__/late.pyc'):
        try:
            os.close(os.open(os.path.join(place, name), os.O_WRONLY | os.O_APPEND | os.O_CREAT))
            print(ALARM, place, name)
        except OSError:
            pass
""",
    ),
    HostileRow(
        "mount-and-move-in",
        "mount, change the root, leave or enter namespaces",
        """
results = [
    libc.mount(b'none', b'/tmp', b'tmpfs', 0, None),
    libc.umount2(b'/', 2),
    libc.chroot(b'/'),
    libc.syscall(NR['pivot_root'], b'.', b'.'),
    libc.unshare(0x10000000),
    libc.unshare(0x00020000),
    libc.syscall(NR['setns'], 0, 0),
    libc.syscall(NR['open_tree'], -100, b'/', 1),
]
print(ALARM if max(results) >= 0 else 'refused', results)
""",
    ),
    HostileRow(
        "open-by-handle",
        "open files of the host by inode number",
        """
handle = ctypes.create_string_buffer(bytes([8, 0, 0, 0, 1, 0, 0, 0, 2]) + bytes(15), 24)
print(ALARM if libc.syscall(NR['open_by_handle_at'], 0, handle, 0) >= 0 else 'refused')
""",
    ),
    HostileRow(
        "device-files",
        "open disks, memory, the kernel log, terminals, accelerators",
        """
import glob, os
paths = ['/dev/' + name for name in ('vda', 'sda', 'nvme0n1', 'mem', 'port', 'kmsg', 'kvm', 'fuse', 'tty', 'console')]
paths += ['/dev/ptmx', '/dev/vsock', '/dev/userfaultfd', '/dev/loop-control', '/dev/net/tun', '/dev/nvidiactl']
for path in paths + glob.glob('/dev/dri/*') + glob.glob('/dev/pts/*'):
    for mode in (os.O_RDONLY, os.O_RDWR):
        try:
            os.close(os.open(path, mode))
            print(ALARM, path)
        except OSError:
            pass
""",
    ),
    HostileRow(
        "make-a-device",
        "make a device file, and a file with the set-user bit",
        """
import os, stat
try:
    os.mknod('memory', stat.S_IFCHR | 0o666, os.makedev(1, 1))
    print(ALARM)
except OSError:
    pass
open('tool', 'w').close()
os.chmod('tool', 0o6755)
os.execv('./tool', ['tool'])
print(ALARM)
""",
    ),
)

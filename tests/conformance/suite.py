"""Redis's own test suite, fetched, and one run of one of its units against a server that is up.

The suite is the distribution's: `tests/debian_source.sh` downloads the source package of redis, and of it only what the
tests are made of is unpacked (KEPT). The server's source is left in the archive.
"""

import collections
import os
import pathlib
import re
import shutil
import subprocess
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
KEPT = ('runtest', 'tests', 'utils')
# What the suite starts by path: the distribution's own programs.
PROGRAMS = ('redis-cli', 'redis-benchmark', 'redis-server')

# What has no place in an embedded cache without a replica, needs minutes, or DEBUG.
TAGS = '-slow -needs:repl -needs:debug'
# A unit is ended after so long without a finished test. Redis's slowest takes 50 s beside other work.
STUCK_S = 150

ANSI = re.compile(r'\x1b\[[0-9;]*m')
LINE = re.compile(r'\[(ok|err|exception|skip|ignore|TIMEOUT)\]: (.*)')
MILLISECONDS = re.compile(r' \(\d+ ms\)$')
IN_PROGRESS = re.compile(r'\S+ => \(IN PROGRESS\) (.*)')


def fetch(folder):
    """The suite in `folder`, unless it is there. Returns the version that the package has."""
    folder = pathlib.Path(folder)
    version = folder / 'version'
    if not version.exists():
        packages = folder / 'package'
        subprocess.run([HERE.parent / 'debian_source.sh', 'redis', packages], check=True, stdin=subprocess.DEVNULL)
        archive, = packages.glob('redis_*.orig.tar.*z*')
        with tarfile.open(archive) as tar:
            for member in tar:
                member.name = member.name.partition('/')[2]
                if member.name.split('/')[0] in KEPT and (member.isfile() or member.isdir()):
                    tar.extract(member, folder)
        shutil.rmtree(packages)
        (folder / 'src').mkdir(exist_ok=True)
        for name in PROGRAMS:
            (folder / 'src' / name).symlink_to(shutil.which(name) or '/usr/bin/' + name)
        version.write_text(re.match(r'redis_([\d.]+)', archive.name)[1].rstrip('.') + '\n')
    return version.read_text().strip()


class Outcome:
    """What one run of a unit printed."""

    def __init__(self):
        self.passed = collections.Counter()   # by title
        self.failed = collections.Counter()
        self.words = collections.defaultdict(list)  # by title: what the suite said of its failures
        self.aborts = []    # errors between tests: the rest of that block did not run
        self.died = []      # how the server ended, if not as it should
        self.stuck_in = None  # the title of the test in which the suite hung, or died with an exception

    def add(self, other):
        """`other`: a second run of the unit, past the test in which this one ended."""
        for title in other.passed | other.failed:
            if other.passed[title] + other.failed[title] >= self.passed[title] + self.failed[title]:
                self.passed[title], self.failed[title] = other.passed[title], other.failed[title]
        for title, words in other.words.items():
            self.words[title] = words
        self.aborts += other.aborts
        self.died += other.died
        self.stuck_in = other.stuck_in


def run_unit(suite, unit, port, base_port, skipped=(), only=None, stuck_s=STUCK_S):
    """Runs `unit`, or of it the tests with the title `only`; the titles in `skipped` are left out."""
    command = ['./runtest', '--baseport', str(base_port), '--host', '127.0.0.1', '--port', str(port), '--clients', '1',
               '--tags', TAGS, '--ignore-digest', '--durable', '--timeout', str(stuck_s), '--single', 'unit/' + unit]
    for title in skipped:
        command += ['--skiptest', title]
    if only is not None:
        command += ['--only', only]
    environment = {**os.environ, 'LC_ALL': 'C.UTF-8'}
    finished = subprocess.run(command, cwd=suite, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=environment, encoding='utf-8', errors='backslashreplace')
    return parse(ANSI.sub('', finished.stdout), unit)


def parse(text, unit):
    outcome = Outcome()
    in_unit = f' in tests/unit/{unit}.tcl'
    lines = iter(text.split('\n'))
    told = []  # the list to which the lines of a failure that follow belong
    for line in lines:
        if line.startswith('                   The End'):
            break  # what follows repeats the failures
        match = LINE.match(line)
        if match is None:
            hung = IN_PROGRESS.match(line)
            if hung is not None:
                outcome.stuck_in = hung[1]
            elif re.match(r'\[(ready|\d+/\d+ done)\]', line):
                told = []
            else:
                told.append(line)
            continue
        kind, rest = match.groups()
        told = []
        if kind == 'ok':
            outcome.passed[MILLISECONDS.sub('', rest)] += 1
        elif kind == 'err' and rest.endswith(in_unit):
            title = rest[:-len(in_unit)]
            outcome.failed[title] += 1
            told = outcome.words[title]
        elif kind in ('err', 'exception'):
            told = [rest]
            outcome.aborts.append(told)
    return outcome

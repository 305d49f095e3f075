"""passes.txt and expected_failures.txt: counts of passes by unit and title.

A line is UNIT, COUNT, TITLE, with a tab between: so often a test of that title passes in that unit (a title that stands
in a loop comes more than once). In expected_failures.txt a line in brackets gives the reason for the lines below it:

    [reason]         these run, and fail
    [skip: reason]   these are not run: they would hang, or take with them the tests that follow
"""

import collections
import re


def read_passes(path):
    passes = collections.defaultdict(collections.Counter)
    for number, line in _lines(path):
        unit, count, title = _row(path, number, line)
        passes[unit][title] = count
    return passes


class Expected:
    """What is known to fail, by unit and title; `skipped` are those of it that are not run."""

    def __init__(self, path):
        self.failing = collections.defaultdict(collections.Counter)
        self.skipped = collections.defaultdict(list)
        self.reasons = collections.Counter()
        reason = None
        for number, line in _lines(path):
            if line.startswith('[') and line.endswith(']'):
                reason = line[1:-1]
                continue
            if reason is None:
                raise SystemExit(f'{path}:{number}: no reason stands above this name')
            unit, count, title = _row(path, number, line)
            self.failing[unit][title] += count
            self.reasons[reason] += count
            if reason.startswith('skip: '):
                self.skipped[unit].append(title)


def take_off(path, failing):
    """Rewrites expected_failures.txt: `failing` has how often a test, by unit and title, still fails; with 0 its line
    goes, and a reason with nothing below it goes too."""
    kept = []
    with open(path, encoding='utf-8') as file:
        for line in file:
            fields = line.rstrip('\n').split('\t')
            count = failing.get((fields[0], fields[2])) if len(fields) == 3 else None
            if count is None:
                kept.append(line)
            elif count:
                kept.append(f'{fields[0]}\t{count}\t{fields[2]}\n')
    text = ''.join(kept)
    text = re.sub(r'^\[.*\]\n\n*(?=\[|\Z)', '', text, flags=re.MULTILINE)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text.rstrip('\n') + '\n')


def write_passes(path, passes, version):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(f'# What redis-server {version} passes of its own suite: unit, how often, title.\n'
                   '# tests/conformance/run --oracle --write made this.\n')
        for unit in passes:
            for title in sorted(passes[unit]):
                file.write(f'{unit}\t{passes[unit][title]}\t{title}\n')


def _lines(path):
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip('\n')
            if line and not line.startswith('#'):
                yield number, line


def _row(path, number, line):
    fields = line.split('\t')
    if len(fields) != 3 or not fields[1].isdigit():
        raise SystemExit(f'{path}:{number}: not UNIT, COUNT, TITLE with tabs between: {line!r}')
    return fields[0], int(fields[1]), fields[2]

import * as assert from 'uvu/assert';
import { parseHierarchies } from '../../lib/sandbox/cgroups.ts';
import { suite } from '../suite.ts';

const test = suite('cgroups');

test('finds the one tree of version 2 and stays at its top', () => {
  const mountinfo =
    '29 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot';
  assert.equal(parseHierarchies(mountinfo, '0::/user.slice/user-0.slice/session-1.scope\n'), [
    { type: 'cgroup2', options: '', folder: '.', parent: '/sys/fs/cgroup' },
  ]);
});

test('finds what systemd uses of a hybrid host, joined controllers together, below the own groups', () => {
  const mountinfo = [
    '31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755',
    '32 31 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate',
    '33 31 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
    '34 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
    '35 31 0:32 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer',
    '36 31 0:33 / /elsewhere rw - cgroup cgroup rw,memory',
  ].join('\n');
  const own = '4:freezer:/\n3:cpu,cpuacct:/user.slice\n1:name=systemd:/user.slice/s.scope\n0::/user.slice/s.scope\n';
  assert.equal(parseHierarchies(mountinfo, own), [
    { type: 'cgroup', options: 'cpu,cpuacct', folder: 'cpu,cpuacct', parent: '/sys/fs/cgroup/cpu,cpuacct/user.slice' },
    { type: 'cgroup', options: 'name=systemd', folder: 'systemd', parent: '/sys/fs/cgroup/systemd/user.slice/s.scope' },
    { type: 'cgroup2', options: '', folder: 'unified', parent: '/sys/fs/cgroup/unified/user.slice/s.scope' },
  ]);
});

test('subtracts the part of the tree that a container is shown', () => {
  const mountinfo = '36 31 0:33 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory';
  const [memory] = parseHierarchies(mountinfo, '4:memory:/docker/abc/inner\n');
  assert.is(memory?.parent, '/sys/fs/cgroup/memory/inner');
});

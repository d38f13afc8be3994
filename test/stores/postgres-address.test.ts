import * as assert from 'uvu/assert';
import { isCutoverError } from '../../lib/base/errors.ts';
import { hostsIn, readAddress } from '../../lib/stores/postgres-address.ts';
import { suite } from '../suite.ts';

const test = suite('stores/postgres-address');

test('W4: an address loses its password, and nothing else', async () => {
  const cases: [url: string, address: string, password: string | null][] = [
    ['postgres://app:secret@db:5432/x', 'postgres://app@db:5432/x', 'secret'],
    ['postgres://app:pa%40ss%3F@db/x?sslmode=require', 'postgres://app@db/x?sslmode=require', 'pa@ss?'],
    ['postgres://app:pa?ss@db', 'postgres://app@db', 'pa?ss'],
    ['postgresql://app@one:5432,two:,three/x', 'postgresql://app@one:5432,two:,three/x', null],
    ['postgres://[::1]:5432,[fe80::1%25eth0]/x', 'postgres://[::1]:5432,[fe80::1%25eth0]/x', null],
    ['postgres://%2Frun%2Fpostgresql/x', 'postgres://%2Frun%2Fpostgresql/x', null],
    ['postgres:///x?user=a@b&password=pa%2Fss&host=/run', 'postgres:///x?user=a@b&host=/run', 'pa/ss'],
    ['postgres://', 'postgres://', null],
    ['postgres://db?target_session_attrs=read-write', 'postgres://db?target_session_attrs=read-write', null],
  ];
  for (const [url, address, password] of cases) {
    assert.equal(await readAddress({ url, urlFile: null }), { address, password }, url);
  }
});

test('W4: an address is refused where a part of its password could be taken for something else', async () => {
  const urls = [
    'postgres://app:s3/cr?et@db/x',
    'postgres://app:s3/cret@db/x',
    'postgres://app:pa@ss?word@db/x',
    'postgres://app:pa@s3cr@db/x',
    'postgres://app:12/34?word@db/x',
    'postgres://app:12/34?w@rd=1@db/x',
    'postgres://app:pa@ss?word',
    'postgres://app:s3cret',
    'postgres://app:s3:cret/x',
    'postgres://app:s3,cret/x',
    'postgres://[s3cret/x',
    'postgres://db/x?p%61ssword=s3cret',
  ];
  for (const url of urls) {
    const error = await readAddress({ url, urlFile: null }).catch((thrown: unknown) => thrown);
    assert.ok(isCutoverError(error, 'config'), url);
    assert.is(error.message, 'url: not the address of a PostgreSQL database', url);
  }
});

test('P3: the hosts of an address are known, wherever they stand in it', () => {
  const cases: [address: string, hosts: string | null][] = [
    ['postgres://app@db/x', 'db'],
    ['postgres://app@db:5432/x?sslmode=require', 'db'],
    ['postgresql://app@one:5432,two:,three/x', 'one,two,three'],
    ['postgres://[::1]:5432,[fe80::1%25eth0]/x', '[::1],[fe80::1%25eth0]'],
    ['postgres://%2Frun%2Fpostgresql/x', '%2Frun%2Fpostgresql'],
    ['postgres:///x?user=a@b&host=/run', '/run'],
    ['postgres://db/x?host=other', 'other'],
    ['postgres:///x?hostaddr=10.0.0.1', '10.0.0.1'],
    ['postgres:///x?port=5433', null],
    ['postgres://:5433/x', null],
    ['postgres://app@/x?host=', null],
    ['postgres://', null],
  ];
  for (const [address, hosts] of cases) assert.is(hostsIn(address), hosts, address);
});

import * as assert from 'uvu/assert';
import { changedLines, type ConfigText, withStrategy } from '../../../lib/deployer/init/strategy/config-file.ts';
import { isCutoverError } from '../../../lib/base/errors.ts';
import type { StrategyName } from '../../../lib/config/model.ts';
import { suite } from '../../suite.ts';

const test = suite('deployer/init config file');
const remark = '  # by cutover init --strategy';
const head =
  'app = "shop"\n\n# where it runs\n[targets.production]\nunit = "shop.service"\nbuilds = "/srv/shop"  # here\n';
const rest =
  'port = 9000\n\n[targets.production.health]\nurl = "http://127.0.0.1:9000/health"\n\n[targets.staging]\nunit = "b.service"\nbuilds = "/srv/b"\nstrategy = "socket"\n';

async function set(text: string, strategy: StrategyName, target = 'production'): Promise<string> {
  const config: ConfigText = { path: '/etc/cutover/cutover.toml', text, mode: 0o644, isThere: true };
  return (await withStrategy(config, { target, strategy })).after ?? '';
}

test('a key that is not there comes as a line of its own, and goes without a trace', async () => {
  const set_ = `${head}strategy = "socket"${remark}\n${rest}`;
  assert.is(await set(head + rest, 'socket'), set_);
  assert.is(await set(set_, 'overlap'), set_.replace(`"socket"${remark}`, `"overlap"${remark}`));
  assert.is(await set(set_, 'restart'), head + rest);
  assert.is(await set(head + rest, 'restart'), head + rest, 'it is so already');
});

test('a key of a person keeps its place, its comment, its quotes elsewhere', async () => {
  const own = `${head}strategy='restart' # as ever\n${rest}`;
  const changed = `${head}strategy="socket" # as ever\n${rest}`;
  assert.is(await set(own, 'socket'), changed);
  assert.is(
    await set(changed, 'restart'),
    changed.replace('socket"', 'restart"').replace('strategy="socket" #', 'strategy="restart" #'),
  );
  assert.match(
    await set(own, 'overlap', 'staging'),
    '[targets.staging]\nunit = "b.service"\nbuilds = "/srv/b"\nstrategy = "overlap"\n',
  );
});

test('what [defaults] says is overruled for the one target, or used again', async () => {
  const defaults = `[defaults]\nstrategy = "socket"\n${head.replace('app = "shop"\n', '')}`;
  const text = `app = "shop"\n${defaults}${rest}`;
  assert.is(await set(text, 'socket'), text);
  const changed = await set(text, 'restart');
  assert.match(changed, `builds = "/srv/shop"  # here\nstrategy = "restart"${remark}\n`);
  assert.is(await set(changed, 'socket'), text);
});

test('a commented key of a file that init wrote stays where it is', async () => {
  const text = `${head}# How the unit moves.\n#strategy = "restart"\n${rest}`;
  assert.match(await set(text, 'socket'), `#strategy = "restart"\nstrategy = "socket"${remark}\nport = 9000`);
});

test('headings in quotes, with spaces, at the end of the file, without a last line end', async () => {
  for (const heading of ['[ targets . production ]', '[targets."production"] # live', "[targets.'production']"]) {
    const text = `app = "shop"\n${heading}\nunit = "shop.service"\nbuilds = "/srv/shop"`;
    assert.is(await set(text, 'socket'), `${text}\nstrategy = "socket"${remark}`);
  }
});

test('a file that no line can mend is refused, and says how it has to be written', async () => {
  for (const text of [
    'app = "shop"\ntargets.production = { unit = "shop.service", builds = "/srv/shop" }\n',
    'app = "shop"\n[targets]\nproduction.unit = "shop.service"\nproduction.builds = "/srv/shop"\n',
  ]) {
    const error = await set(text, 'socket').catch((thrown: unknown) => thrown);
    assert.ok(isCutoverError(error, 'refused'), text);
    assert.match(error.mend ?? '', '[targets.production]');
  }
});

test('what changed is told line by line, and nothing else of the file', () => {
  const file = { path: '/x', mode: 0o600, before: 'token = "secret"\na = 1\n', after: 'token = "secret"\na = 2\n' };
  assert.is(changedLines(file), '- a = 1\n+ a = 2');
});

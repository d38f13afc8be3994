import { createContext, runInContext } from 'node:vm';
import * as assert from 'uvu/assert';
import type { KnownUnits } from '../../../lib/deploy/verbs.ts';
import { type DeployingAccount, polkitRule } from '../../../lib/deployer/init/polkit.ts';
import { suite } from '../../suite.ts';

const test = suite('deployer/init/polkit');

const manageUnits = 'org.freedesktop.systemd1.manage-units';
const alone: KnownUnits = { target: { unit: 'shop.service', strategy: 'restart' }, id: 'shop.service', sockets: [] };
const behind: KnownUnits = {
  target: { unit: 'api.service', strategy: 'overlap' },
  id: 'api.service',
  sockets: ['api-http.socket'],
};
const standIn = 'api-next@dist.20260203-151116.service';

interface Asked {
  id?: string;
  unit?: string;
  verb?: string;
  user?: string;
  groups?: string[];
}

/** The rule as polkitd would call it. */
function answerOf(text: string, { id = manageUnits, unit, verb, user = 'deploy', groups = [] }: Asked): string {
  const rules: ((action: unknown, subject: unknown) => string)[] = [];
  const polkit = { Result: { YES: 'yes', NOT_HANDLED: 'not handled' }, addRule: rules.push.bind(rules) };
  runInContext(text, createContext({ polkit }));
  assert.is(rules.length, 1);
  const details: Record<string, string | undefined> = { unit, verb };
  const subject = { user, isInGroup: (group: string) => groups.includes(group) };
  return rules[0]?.({ id, lookup: (name: string) => details[name] }, subject) ?? 'nothing';
}

function ruleFor(who: DeployingAccount, ...targets: KnownUnits[]): string {
  return polkitRule({ app: 'shop' }, targets, who).text;
}

test('the file lies where polkit reads rules, one for each app', () => {
  const { path } = polkitRule({ app: 'shop' }, [alone], { user: 'deploy' });
  assert.is(path, '/etc/polkit-1/rules.d/50-cutover-shop.rules');
});

test('allows exactly these verbs on exactly these units', () => {
  const text = ruleFor({ user: 'deploy' }, alone, behind);
  const verbs = [
    'start',
    'stop',
    'restart',
    'reset-failed',
    'kill',
    'set-property',
    'reload',
    'clean',
    'freeze',
    'ref',
  ];
  const allowed: Record<string, string[]> = {
    'shop.service': ['start', 'stop', 'reset-failed', 'kill'],
    'api.service': ['start', 'stop', 'restart', 'reset-failed', 'kill'],
    'api-http.socket': ['start', 'stop', 'reset-failed'],
    [standIn]: ['start', 'stop', 'reset-failed', 'kill'],
    'api-next@dist.20260203-151116-12.service': ['start', 'stop', 'reset-failed', 'kill'],
    'other.service': [],
    'shop.service.service': [],
    'xshop.service': [],
    'shop.socket': [],
    'api-next@evil.service': [],
    'api-next@dist.20260203-151116.service.d@dist.20260203-151116.service': [],
    'api-next@dist.20260203-151116.socket': [],
    'api-next@.service': [],
    'shop-next@dist.20260203-151116.service': [],
    toString: [],
    ['__proto__']: [],
  };
  for (const unit of Object.getOwnPropertyNames(allowed))
    for (const verb of verbs)
      assert.is(
        answerOf(text, { unit, verb }),
        allowed[unit]?.includes(verb) ? 'yes' : 'not handled',
        `${verb} of ${unit}`,
      );
});

test('says nothing of other actions, of no unit and of other people', () => {
  const text = ruleFor({ user: 'deploy' }, alone, behind);
  const start = { unit: 'shop.service', verb: 'start' };
  assert.is(answerOf(text, start), 'yes');
  for (const asked of [
    { ...start, id: 'org.freedesktop.systemd1.manage-unit-files' },
    { ...start, id: 'org.freedesktop.systemd1.reload-daemon' },
    { ...start, user: 'mallory' },
    { ...start, user: 'deploy2', groups: ['deploy'] },
    { verb: 'start' },
    { unit: 'shop.service' },
    {},
  ])
    assert.is(answerOf(text, asked), 'not handled', JSON.stringify(asked));
});

test('a group: its members and nobody else', () => {
  const text = ruleFor({ group: 'deployers' }, alone);
  const start = { unit: 'shop.service', verb: 'start' };
  assert.is(answerOf(text, { ...start, user: 'ann', groups: ['deployers'] }), 'yes');
  assert.is(answerOf(text, { ...start, user: 'deployers', groups: ['others'] }), 'not handled');
});

test('an alias: the rule names the unit as systemd asks about it', () => {
  const text = ruleFor({ user: 'deploy' }, { ...alone, id: 'shop-app.service' });
  assert.is(answerOf(text, { unit: 'shop-app.service', verb: 'stop' }), 'yes');
  assert.is(answerOf(text, { unit: 'shop.service', verb: 'stop' }), 'not handled');
});

test('a name is a text in the rule, whatever is in it', () => {
  const hostile = 'x"] }; polkit.Result.NOT_HANDLED = "yes"; // \\" \n\u2028é.service';
  const id = hostile;
  const text = polkitRule({ app: 'shop' }, [{ ...alone, id }], { user: `o"'\\\n\u2029` }).text;
  assert.match(text, /^[\n -~]*$/);
  assert.is(answerOf(text, { unit: hostile, verb: 'start', user: `o"'\\\n\u2029` }), 'yes');
  assert.is(answerOf(text, { unit: 'other.service', verb: 'start', user: `o"'\\\n\u2029` }), 'not handled');
  assert.is(text.split('\n').filter((line) => line.includes('polkit.Result.NOT_HANDLED = ')).length, 1);
});

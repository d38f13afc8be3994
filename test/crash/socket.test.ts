// needs: sandbox
// deadline: 10min
import { makeSocketSite } from '../deploy/socket-site.ts';
import { suite } from '../suite.ts';
import { declareKills } from './behind-socket.ts';

const test = suite('crash/socket', { timeoutMs: 240_000 });

declareKills(test, makeSocketSite);

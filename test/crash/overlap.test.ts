// needs: sandbox
// deadline: 10min
import { makeOverlapSite } from '../deploy/socket-site.ts';
import { suite } from '../suite.ts';
import { declareKills } from './behind-socket.ts';

const test = suite('crash/overlap', { timeoutMs: 240_000 });

declareKills(test, makeOverlapSite);

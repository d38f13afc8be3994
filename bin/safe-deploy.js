#!/usr/bin/env node
import { main } from '../dist/cli.js';

await main('safe-deploy', process.argv.slice(2));

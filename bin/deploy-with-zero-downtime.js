#!/usr/bin/env node
import { main } from '../dist/cli.js';

await main('deploy-with-zero-downtime', process.argv.slice(2));

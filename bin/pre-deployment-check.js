#!/usr/bin/env node
import { main } from '../dist/cli.js';

await main('pre-deployment-check', process.argv.slice(2));

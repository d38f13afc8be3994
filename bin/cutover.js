#!/usr/bin/env node
import { main } from '../dist/cli.js';

await main('cutover', process.argv.slice(2));

#!/usr/bin/env node
const { load } = require('./load.js');

void load(process.argv[2] ?? '').main('cutover', process.argv.slice(2));

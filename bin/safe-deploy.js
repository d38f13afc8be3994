#!/usr/bin/env node
const { load } = require('./load.js');

void load('deploy').main('safe-deploy', process.argv.slice(2));

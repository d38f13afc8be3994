#!/usr/bin/env node
const { load } = require('./load.js');

void load('direct').main('deploy-with-zero-downtime', process.argv.slice(2));

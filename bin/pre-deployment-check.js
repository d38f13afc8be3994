#!/usr/bin/env node
const { load } = require('./load.js');

void load('check').main('pre-deployment-check', process.argv.slice(2));

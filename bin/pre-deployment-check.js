#!/usr/bin/env node
require('./load.js').start('pre-deployment-check', __dirname);

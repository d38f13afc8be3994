#!/usr/bin/env node
require('./load.js').start('deploy-with-zero-downtime', __dirname);

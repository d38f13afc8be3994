#!/usr/bin/env node
require('./load.js').start('safe-deploy', __dirname);

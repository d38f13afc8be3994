#!/bin/sh
# Puts in place what the program needs to start; in real life this is npm ci, pip install, or clearing a cache.
set -eu
rm -rf installed.new
cp -r vendor installed.new
rm -rf installed
mv installed.new installed

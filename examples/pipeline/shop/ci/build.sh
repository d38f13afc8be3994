#!/bin/sh
# What is in the commit, and nothing that lies about. A program that has to be compiled is compiled here.
set -eu
revision=$(git rev-parse --short HEAD)
branch=$(git rev-parse --abbrev-ref HEAD)
git archive --format=tar HEAD | cutover add "$CUTOVER_TARGET" - --revision "$revision" --branch "$branch" --quiet

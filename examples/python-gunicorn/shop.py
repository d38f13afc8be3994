"""A small shop. It knows nothing of sockets and restarts: gunicorn does."""

import os

from flask import Flask, jsonify

# The directory that the process was started in, not where `current` points by now.
BUILD = os.path.basename(os.getcwd())

app = Flask(__name__)


@app.get("/")
def shop():
    return BUILD


@app.get("/api/health")
def health():
    return jsonify(status="healthy", build=BUILD)

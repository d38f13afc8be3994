"""A small shop with a database and a login. The checks in cutover.toml ask what it needs and how it answers."""

import os
import sqlite3
from contextlib import closing

from flask import Flask, jsonify, request

app = Flask(__name__)


def rows(query):
    with closing(sqlite3.connect(os.environ["DATABASE"], timeout=5)) as database:
        return database.execute(query).fetchall()


@app.get("/")
def shop():
    return f"{rows('SELECT count(*) FROM items')[0][0]} items"


@app.get("/items")
def items():
    page = int(request.args.get("page", "1"))
    return jsonify(rows("SELECT name FROM items")[(page - 1) * 10 : page * 10])


@app.get("/account")
def account():
    if request.authorization is None:
        return jsonify(error="who are you?"), 401
    return jsonify(name=request.authorization.username)


@app.get("/api/health")
def health():
    return jsonify(status="healthy", items=len(rows("SELECT name FROM items")))

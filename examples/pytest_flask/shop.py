"""A small Flask application: it takes GitHub's webhooks, and posts a message of its own for every push."""

import json
import urllib.request

from flask import Flask, request

from whcli import verify


def shop(secret: str, channel: str) -> Flask:
    """The application; `channel` is the URL that a message is posted to."""
    app = Flask(__name__)

    @app.post("/github")
    def github() -> tuple[str, int]:
        body = request.get_data()
        if not verify("github", request.headers, body, secret=secret).ok:
            return "bad signature", 401
        if request.headers["X-GitHub-Event"] == "push":
            message = json.dumps({"text": f"pushed to {json.loads(body)['ref']}"}).encode()
            headers = {"Content-Type": "application/json"}
            urllib.request.urlopen(urllib.request.Request(channel, message, headers)).close()
        return "", 204

    return app

"""Once through Flask's test client, once over a real port."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from shop import shop
from werkzeug.serving import make_server

from whcli import WebhookListener, WebhookSender


@pytest.fixture
def app(webhook_listener: WebhookListener, webhook_sender: WebhookSender) -> Flask:
    webhook_sender.secrets["github"] = "hush"
    return shop("hush", webhook_listener.url + "/channel")


@pytest.fixture
def server(app: Flask) -> Iterator[str]:
    made = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    thread.join()
    made.server_close()


def test_a_push_is_posted(app: Flask, webhook_listener: WebhookListener, webhook_sender: WebhookSender) -> None:
    push = webhook_sender.make("github", "push", set={"body.ref": "refs/heads/main"})
    assert app.test_client().post("/github", data=push.body, headers=push.headers).status_code == 204
    [message] = webhook_listener.wait(path="/channel")
    assert message.data == {"text": "pushed to refs/heads/main"}


def test_nothing_is_posted_for_a_ping(
    server: str, webhook_listener: WebhookListener, webhook_sender: WebhookSender
) -> None:
    assert webhook_sender.send("github", "ping", to=server + "/github").status == 204
    webhook_listener.assert_received(0)


def test_what_is_not_signed_is_refused(server: str, webhook_sender: WebhookSender) -> None:
    assert webhook_sender.send("github", "push", to=server + "/github", unsigned=True).status == 401

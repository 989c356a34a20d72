"""A Django project in one file: it takes Shopify's webhooks, keeps each order once, and tells a warehouse of it."""

import json
import urllib.request

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from whcli import verify

SECRET_KEY = "for tests"
SHOPIFY_SECRET = "hush"
WAREHOUSE = ""
ROOT_URLCONF = "shop"
STATIC_URL = "static/"  # the live server asks for it
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}


@csrf_exempt
def shopify(request: HttpRequest) -> HttpResponse:
    if not verify("shopify", request.headers, request.body, secret=settings.SHOPIFY_SECRET).ok:
        return HttpResponse(status=401)
    order = json.loads(request.body)["id"]
    if cache.add(f"order-{order}", True):  # Shopify delivers at least once
        message = json.dumps({"pack": order}).encode()
        headers = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(settings.WAREHOUSE, message, headers)).close()
    return HttpResponse(status=200)


urlpatterns = [path("shopify", shopify)]

#!/bin/sh
# Capture a webhook in CI and replay it against a handler; no sleep anywhere.
#
#   STRIPE_WEBHOOK_SECRET=whsec_test HANDLER=http://127.0.0.1:3000 sh examples/capture_and_replay.sh
set -eu
: "${STRIPE_WEBHOOK_SECRET:?}" "${HANDLER:?}"

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# 1. A listener on a free port: it ends by itself after two events, or with exit code 4 after 30 s.
WHCLI_SECRET_STRIPE=$STRIPE_WEBHOOK_SECRET \
  whcli listen --port 0 --count 2 --timeout 30s --json > events.jsonl &
listener=$!
url=$(whcli wait --ready --timeout 10s)

# 2. Something sends webhooks; here: two signed samples.
for name in checkout.session.completed charge.succeeded; do
  whcli sign stripe --secret env:STRIPE_WEBHOOK_SECRET --curl --url "$url/stripe" -H 'Content-Type: application/json' \
    --body-file "$here/payloads/stripe-$name.json" | sh > /dev/null
done
wait "$listener"

# 3. Were they signed by whom they should be? Exit 1 otherwise.
export WHCLI_SECRET_STRIPE="$STRIPE_WEBHOOK_SECRET"
whcli verify latest~1
whcli verify latest

# 4. Replay both to the handler under test, signed afresh. Exit 0 only if it answers 2xx to both.
whcli replay all --to "$HANDLER"

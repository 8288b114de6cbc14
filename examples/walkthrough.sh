#!/usr/bin/env bash
# Two people register, one writes to the other, both read it: Fireside with nothing but curl.
#
#     make run                      (in another terminal)
#     examples/walkthrough.sh       (or with an address: examples/walkthrough.sh http://localhost:5000)
set -euo pipefail
api="${1:-http://localhost:5000}/api"

post() { curl -sS --fail-with-body -H 'Content-Type: application/json' "$@"; }
field() { python3 -c 'import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split("."): value = value[key]
print(value)' "$1"; }

register() {
    post "$api/users/register" -d "{\"username\": \"$1\", \"password\": \"correct horse battery\", \"email\": \"$1@example.org\"}"
}

# Names are taken once, so each run makes up its own.
suffix=$(date +%s)$RANDOM
ann=$(register "ann.$suffix")
bob=$(register "bob.$suffix")
ann_id=$(field user._id <<<"$ann")
ann_token=$(field token <<<"$ann")
bob_token=$(field token <<<"$bob")
echo "ann is $ann_id"

# Ann looks Bob up by the start of his name.
found=$(curl -sS --fail-with-body -H "Authorization: Bearer $ann_token" "$api/users?search=bob.$suffix")
bob_id=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["users"][0]["_id"])' <<<"$found")
echo "bob is $bob_id"

# She writes to him. The answer comes when the message is on disk. With the same clientId, sending again is safe.
message="{\"recipient\": \"$bob_id\", \"content\": \"Hello Bob\", \"clientId\": \"walkthrough-1\"}"
sent=$(post -H "Authorization: Bearer $ann_token" "$api/chat/messages" -d "$message")
again=$(post -H "Authorization: Bearer $ann_token" "$api/chat/messages" -d "$message")
test "$(field message._id <<<"$sent")" = "$(field message._id <<<"$again")"
echo "sent once, though asked twice"

# Bob answers in the conversation, by its id.
conversation=$(field message.conversation <<<"$sent")
post -H "Authorization: Bearer $bob_token" "$api/conversations/$conversation/messages" -d '{"content": "Hello Ann"}' >/dev/null

# Both see the same, oldest first.
echo "the history:"
curl -sS --fail-with-body -H "Authorization: Bearer $bob_token" "$api/chat/messages?sender=$ann_id&recipient=$bob_id" |
    python3 -c 'import json, sys
for m in json.load(sys.stdin): print(" ", m["seq"], m["timestamp"], m["content"])'

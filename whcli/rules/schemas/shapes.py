"""Every JSON object that whcli writes, field by field: one table a shape.

A line is a name, a type and a meaning, with two or more blanks between them. A name that ends in `?` may be missing. A
type is `string integer number boolean any object`, `pairs` (a list of [name, value], as headers are written), `time`
(RFC 3339 in UTC, microseconds) or `base64`; `[...]` is a list of it, `#name` another shape without a schema field of
its own, `{...}` an object from names to it, `a|b` one or the other.

Within `/1` fields are added, never removed or retyped.
"""

from __future__ import annotations

from typing import NamedTuple


class Shape(NamedTuple):
    """One kind of object."""

    says: str  # one sentence: what it is, and who writes it
    table: str
    part: bool = False  # stands only inside others, without a schema field


DIFFERENCES = """
field   string  what differs, such as method or body.amount
wanted  string  what was asked for
got     string  what was found
"""

SHAPES: dict[str, Shape] = {
    "event": Shape(
        "A captured event: `list`, `listen` and `wait` in short, `show` whole and exact.",
        """
id              integer            arrival number in this store; 0 for an event from a file
uid             string             ULID; survives export and import
received_at     time               when it had arrived whole
method          string             as sent, Latin-1
target          string             as in the request line, Latin-1
size            integer            bytes of body
peer            string|null        address and port of the sender
provider?       string|null        who sent it, as far as recognised
type?           string|null        event type, in the provider's own spelling
delivery_id?    string|null        the provider's number, the same on every attempt
attempt?        integer|null       1 is the first, where the provider says so
signature?      #signature         whether its signature holds
duplicate_of?   integer|null       the first event with this delivery id
reply?          integer|null       the status that the sender got
forward?        #result|null      what came of its last delivery
version?        string             1.0 or 1.1
headers?        pairs              names and values as sent, Latin-1
trailers?       pairs              the trailers of a chunked body
body_base64?    base64             the body, byte for byte
head_base64?    base64             the request head, byte for byte; empty for an imported event
deliveries?     [#delivery]        all deliveries, the oldest first
note?           string|null        `listen`: what else there is to say
""",
    ),
    "fixture": Shape(
        "An event in a file fit for git: `export`; unknown fields are kept.",
        """
uid            string            ULID
received_at    time              when it had arrived whole
redacted?      boolean           whether secrets were replaced
peer?          string            address and port of the sender
method         string            as sent, Latin-1
target         string            as in the request line, Latin-1
version?       string            1.0 or 1.1
headers        pairs             names and values as sent, Latin-1
trailers?      pairs             the trailers of a chunked body
body_json?     any               the body as JSON, where a known printer writes it byte for byte
body_printed?  string            which printer
body_text?     string|[string]   the body as text, whole or line by line
body_base64?   base64            the body, where it is no text
head_base64?   base64            the request head, where the fields do not make it
expect?        object            what a handler is to answer: `whcli test`
snapshot?      object            what a handler answered: `whcli test --update`
""",
    ),
    "signature": Shape(
        "What is known of an event's signature.",
        """
state   string       valid invalid stale unsigned no_secret unknown
scheme  string|null  the signature scheme recognised
reason  string|null  code of the verdict
age_s   number|null  seconds between the signed timestamp and the arrival
""",
        part=True,
    ),
    "outcome": Shape(
        "How an event's last delivery ended; `listen` writes it for an event whose line went out before.",
        """
id       integer         the event's arrival number
uid      string          the event's ULID
forward  #result|null    what came of it
""",
    ),
    "result": Shape(
        "A delivery in the few fields that a listing shows.",
        """
kind     string        forward relay replay confirm send
url      string        where it was sent
status   integer|null  of the reply; null when there was none
ms       number|null   milliseconds to the end of the reply
failure  string|null   one word for why there is no reply: refused, timeout ...
error    string|null   the same in a sentence
""",
        part=True,
    ),
    "delivery": Shape(
        "One HTTP request that whcli made, with its reply: `show`, `replay`, `send`.",
        """
id            integer       number of the delivery in this store; 0 when it is not kept
event_id      integer       arrival number of its event; 0 for an event from a file
kind          string        forward relay replay confirm send
url           string        where it was sent
status        integer|null  of the reply; null when there was none
ms            number|null   milliseconds to the end of the reply
failure       string|null   one word for why there is no reply: refused, timeout ...
error         string|null   the same in a sentence
sent_at       time          when it began
method        string        as sent, Latin-1
attempt       integer       1 is the first
signed        string|null   the scheme that it was signed afresh with
revision      string|null   the commit that was checked out
reply         #reply|null   the reply, when there was one
changes?      [string]      `replay`, `send`: what differs from the capture, in words
note?         string|null   `replay`, `send`: why it was not signed
progress?     string        `replay`: fixed, still failing, regressed, ok or failing
run?          integer       `replay`: number of the run, from 1
copy?         integer       `replay`: number of the copy, from 1
provider?     string        `send`: the sample's provider
type?         string        `send`: the sample's type
delivery_id?  string|null   `send`: the id that was made for it
""",
    ),
    "reply": Shape(
        "A response to a delivery.",
        """
status       integer  status code
reason       string   reason phrase
headers      pairs    as received, Latin-1
body_base64  base64   the body, or its beginning
truncated    boolean  whether more came than is kept
""",
        part=True,
    ),
    "ready": Shape(
        "The listener can be reached: the first line of `listen --json`, and the ready file.",
        """
event  string    ready
url    string    where to send to
urls   [string]  the same for all addresses
pid    integer   process id of the listener
store  string    the store's folder
""",
    ),
    "refusal": Shape(
        "Bytes that came to `listen` and are no event.",
        """
received_at  time          when it was refused
peer         string|null   address and port of the sender
status       integer|null  what the sender was told; null when the connection was only closed
reason       string        one sentence
start        string        the first bytes, at most 200, Latin-1
""",
    ),
    "note": Shape("Something `listen` has to say.", "note  string  one sentence"),
    "diff": Shape(
        "Two events compared: `diff`.",
        """
one          integer        arrival number of the first
other        integer        arrival number of the second
equal        boolean        whether nothing differs
differences  [#two_sides]   where they differ
""",
    ),
    "two_sides": Shape(
        "One field of two.",
        """
field  string       what differs
one    string|null  the first one's value; null where there is nothing
other  string|null  the second one's value
""",
        part=True,
    ),
    "verdict": Shape(
        "Whether a signature holds, and why not: `verify`.",
        """
ok          boolean          whether it holds
state       string           valid invalid stale unsigned no_secret unknown
scheme      string|null      the scheme that was checked
reason      string           a code; the README lists all of them
detail      string           one sentence for people
secret      string|null      label of the secret that matched, never its value
age_s       number|null      seconds since the signed timestamp; negative when it lies ahead
received    string|null      the signature in the request
computed    string|null      what the first secret gives
event_id?   integer|null     arrival number of the event
diagnosis?  #diagnosis       why it fails
""",
    ),
    "diagnosis": Shape(
        "What the search for a cause found.",
        """
reason          string           a code; the README lists all of them
sentence        string           the cause in a sentence
change          string           what to change
transformation  string|null      what was done for the signature to match
also            [string]         further codes
difference      #break|null      the first byte that differs
printers        [string]         libraries that print JSON as it arrived
secret          string|null      label of the secret that matched
url             string|null      the URL that was signed, where it is another
scheme          string|null      the scheme that matched
tried           integer          combinations tried
matches         integer          combinations that match
fixes           {string}         framework to the line that mends it
""",
        part=True,
    ),
    "break": Shape(
        "Where two bodies begin to differ.",
        """
offset  integer  bytes from the beginning
signed  string   what was signed there
hashed  string   what arrived there
""",
        part=True,
    ),
    "signed": Shape(
        "What a receiver needs to take a request for the provider's: `sign`.",
        """
scheme       string  the signature scheme
method       string  request method
url          string  the URL, with what signing added to it
headers      pairs   all headers that the scheme needs, ready to send
body_base64  base64  the body to send
""",
    ),
    "request": Shape(
        "A sample as it would be sent: `send --dry-run`.",
        """
provider     string       the sample's provider
type         string       the sample's type
method       string       request method
url          string       where to
headers      pairs        complete
body_base64  base64       the body
signed       string|null  the scheme it is signed with
changes      [string]     what was changed, in words
note         string|null  why it is not signed
""",
    ),
    "sample": Shape(
        "A sample event there is: `send --list`.",
        """
provider  string       whose
type      string       its name for `send`
says      string       what happened
seen_as   string|null  the type that a listener shows for it
file      string       the template's file
""",
    ),
    "scheme": Shape(
        "A signature scheme: `schemes`, `schemes show`.",
        """
name         string       its name
provider     string       whose
title        string       the provider's name
source       string       page, SDK file or RFC section
read         string       date the source was read
secret_form  string       what the secret looks like
header       string       the signature's header; empty where it travels in the body
algorithm    string       such as hmac-sha256
key          string       how the secret becomes the key
content      string       what is signed
digest       string       hex base64 base64url text
layout       string       how the header is written
separator    string       what stands between the layout's items
accepts      [string]     further layouts that are taken
variants     [object]     other ways of signing under the same name
clock        object|null  the timestamp's place, unit and tolerance
id_header    string|null  the delivery id's header
id_form      string       how a new id is made
constants    pairs        headers that always travel along
companions   pairs        headers that the provider's SDK insists on
also         [object]     further headers with a signature
further      [string]     headers that hold signatures of further keys
field        string       the body's field that holds the secret
code         string|null  the module that signs, where a row does not say it all
pair         string       how a key pair is written; empty for a shared secret
signs        boolean      false: only the provider can sign
notes        [string]     what else there is to know
facts        pairs        the same for people: label and text
""",
    ),
    "keypair": Shape(
        "A key pair for tests: `schemes keygen`.",
        """
scheme   string  the signature scheme
private  string  signs: a secret
public   string  checks: for the receiver
""",
    ),
    "handshake": Shape(
        "One question of a provider put to a handler: `handshake`.",
        """
provider     string         who asks
says         string         what is asked
ok           boolean        whether the answer is right
method       string         of the request
url          string         where it was sent
status       integer|null   of the answer
error        string|null    why there is none
differences  [#difference]  what is wrong with the answer
note         string|null    what to know
then         string|null    what the handler must do next, which cannot be seen
""",
    ),
    "completion": Shape(
        "A shell's script: `completion`.",
        """
shell   string  bash, zsh or fish
script  string  what the shell is to read
""",
    ),
    "cursor": Shape(
        "A place in the order of arrival: `list --cursor`; `--after` takes it.",
        """
cursor  integer  the newest arrival number, 0 where there is no store yet
""",
    ),
    "assertion": Shape(
        "What `assert` found.",
        """
holds        boolean      whether all holds
matched      integer      how many events match the filters
events       [integer]    their arrival numbers
differences  [#failure]   what does not hold
near_misses  [#miss]      where too few match: the events that came closest
after        integer      the arrival number behind which events counted
cursor       integer      the newest arrival number that was looked at
""",
    ),
    "failure": Shape(
        "One thing that an assertion did not find, of all events or of one.",
        DIFFERENCES + "event   integer|null  the arrival number, where it is one event's",
        part=True,
    ),
    "miss": Shape(
        "An event that does not match, and why.",
        """
event        integer        arrival number
differences  [#difference]  the conditions that it fails
""",
        part=True,
    ),
    "difference": Shape("One field that is not what was wanted.", DIFFERENCES, part=True),
    "export": Shape(
        "An event that was written to a file: `export -o`.",
        """
event_id  integer|null  arrival number; null for an event from a file
uid       string        ULID
file      string        where it is now
format    string        the end of such a file's name: json, jsonl, har, sh or http
redacted  boolean       whether secrets were looked for and replaced
replaced  {integer}     how many values of each kind were replaced
unread    boolean       true: its body is compressed in a way that was not looked into
""",
    ),
    "import": Shape(
        "An event that was read from a file: `import`.",
        """
event_id  integer      arrival number in this store
uid       string       ULID
new       boolean      false: it was there already, and stays as it is
file      string       where it was read from
note      string|null  what of the exact bytes is lost in such a file
""",
    ),
    "finding": Shape(
        "A value that looks secret: `fixtures check`.",
        """
file    string  the file
path    string  where in it: headers.authorization, body.customer.email
kind    string  what it looks like: token, email, signature ...
masked  string  its end
next    string  what to type
""",
    ),
    "testsecret": Shape(
        "What a handler needs to accept redacted fixtures: `fixtures secret`.",
        """
scheme  string   the signature scheme
secret  string   the secret, or the public key of a pair
pair    boolean  whether it is a public key
""",
    ),
    "har": Shape(
        "What HAR 1.2 has no place for: `_whcli` of an entry that `export --format har` writes.",
        """
uid           string    ULID
redacted      boolean   whether secrets were replaced
target?       string    the request target, where the URL does not give it back
peer?         string    address and port of the sender
trailers?     pairs     the trailers of a chunked body
body_base64?  base64    the body, where it is no UTF-8
head_base64?  base64    the request head, where the fields do not make it
fields?       {string}  further fields of the fixture, as JSON texts
""",
    ),
    "removed": Shape(
        "Events that were deleted: `rm`.",
        """
removed  integer  how many
free     integer  bytes that removed events have left in the store's file
""",
    ),
    "store": Shape(
        "What a store holds: `store info`.",
        """
path        string           the store's folder
version     integer          its schema
size        integer          bytes of the file
log         integer          bytes of the log beside it
free        integer          bytes that removed events have left
events      integer          how many
deliveries  integer          how many
oldest      #edge|null       the first event
newest      #edge|null       the last event
providers   [#share]         events by provider, most first
listener    string|null      URL of the listener that captures into it
""",
    ),
    "edge": Shape(
        "The first or last event of a store.",
        """
id           integer  arrival number
received_at  time     when it arrived
""",
        part=True,
    ),
    "share": Shape(
        "A provider's part of a store.",
        """
provider  string|null  null for events that are not recognised
events    integer      how many
""",
        part=True,
    ),
    "backup": Shape(
        "A copy of a store: `store backup`.",
        """
file    string   the copy
size    integer  its bytes
events  integer  how many it holds
""",
    ),
    "check": Shape(
        "One thing that was looked at: `doctor`.",
        """
part     string       what was looked at: store, config, secret, port, clock ...
state    string       ok, warning or problem
message  string       what was found
next     string|null  what to do about it
""",
    ),
    "tls": Shape(
        "The certificates of `listen --tls`: `tls info`.",
        """
authority    #certificate  what senders have to trust
certificate  #certificate  what the listener shows them
""",
    ),
    "certificate": Shape(
        "A certificate.",
        """
path     string    its file
subject  string    whose it is
names    [string]  the names and addresses it is for; none for an authority
since    time      valid from then on
until    time      valid until then
sha256   string    its fingerprint, in pairs of hexadecimal digits
""",
        part=True,
    ),
    "trust": Shape(
        "How senders come to trust the listener's certificate: `tls trust`.",
        """
authority  string   the file of the authority
undo       boolean  true: how to stop it
ways       [#way]   one for each program or system
""",
    ),
    "way": Shape(
        "What to type for one program or system.",
        """
who   string       the program or system
type  string       what to type, or to click
note  string|null  what else to know
""",
        part=True,
    ),
    "vacuum": Shape(
        "Space given back: `store vacuum`.",
        """
before    integer  bytes on disk before
after     integer  bytes on disk after
complete  boolean  false: another command was reading, some comes back later
""",
    ),
    "plan": Shape(
        "What a replay would do: the head of `replay --dry-run`.",
        """
seed             integer       the same seed makes the same plan
events           integer       how many
runs             integer       how many
possible_orders  integer|null  more than runs when they were sampled; null beyond counting
order            string        given reverse shuffle permutations
speed            number|null   1 is the original one; null for no pauses
rate             number|null   events per second
delay            [number]      least and most seconds that a delivery comes late
drop             number        probability that a delivery is lost
duplicate        integer       deliveries of each event, one after another
race             integer       deliveries of each event, at the same instant
lost_ack         boolean       whether the answers of all but the last delivery are lost
""",
    ),
    "step": Shape(
        "One delivery of a plan: `replay --dry-run`.",
        """
run       integer       number of the run, from 1
step      integer       number within its run, from 1
event     string        the event's name
copy      integer       1 is the first delivery of the event
copies    integer       deliveries of the event
attempt   integer       1 is the first
offset    number        seconds after the run's start
delay     number        the part of it by which it comes late
after     integer|null  the step whose answer is awaited first
race      integer|null  steps with the same number are released at the same instant
lost_ack  boolean       whether its answer is lost
dropped   boolean       whether it is lost on the way
""",
    ),
    "report": Shape(
        "What came of a replay: `replay --report`.",
        """
sent         integer     deliveries
ok           integer     with a reply that the provider takes for success
failed       integer     without one
unfinished?  integer     without one, and to be tried again when the run ended before that
unsent?      integer     not sent, or not again: the event was removed meanwhile
dropped?     integer     lost on the way: `replay --drop`
retried      integer     further attempts
failures     {integer}   status or word to how many; of those unfinished and unsent too
latency_ms   {number}    p50, p95, p99 in milliseconds
histogram    [#bucket]   how many replies took how long
slow         #slow|null  those slower than the provider waits
""",
    ),
    "unsent": Shape(
        "A delivery that could not be made, since its event was removed meanwhile: `replay`.",
        """
event    string   the event's name
run      integer  number of the run, from 1
copy     integer  number of the copy, from 1
attempt  integer  1 is the first
code     string   one word for why: removed
message  string   the same in a sentence
""",
    ),
    "bucket": Shape(
        "Replies that took about as long.",
        """
upto_ms  number   milliseconds, the upper bound
count    integer  how many
""",
        part=True,
    ),
    "slow": Shape(
        "Replies that were slower than the provider waits.",
        """
provider    string   who waits
timeout_ms  number   how long, in milliseconds
slower      integer  how many were slower
""",
        part=True,
    ),
    "probe": Shape(
        "What a handler's state showed: `replay --probe`.",
        """
holds         boolean           whether nothing changed after the first delivery
proves?       boolean           whether there was a further delivery, that could have changed something
blind?        boolean           whether not even the first delivery changed anything
deliveries?   integer           deliveries looked at
first?        [#change]         what the first one changed
later?        [#later]          what further ones changed
noise?        [string]          fields that change by themselves, and so are not compared
run?          integer           number of the run
event?        string            which event
differences?  [#difference]     for a race: what all together changed beyond what one alone does
""",
    ),
    "change": Shape(
        "One field of a state.",
        """
field   string  which
before  string  its value before
after   string  its value after
""",
        part=True,
    ),
    "later": Shape(
        "What a further delivery changed.",
        """
delivery  integer     number of the delivery
changes   [#change]   what it changed
""",
        part=True,
    ),
    "order": Shape(
        "The smallest order of events that fails: `replay --permutations`.",
        """
smallest_failing  [string]  names of the events, in that order
minimal?          boolean   whether every shorter order that could fail was tried and passed
""",
    ),
    "comparison": Shape(
        "Two handlers' replies to the same event: `replay --compare-to`.",
        """
event_id     integer       arrival number; 0 for an event from a file
uid          string        ULID of the event
one          #answer       the first handler's
other        #answer       the second handler's
noise        [string]      fields that change by themselves
equal        boolean       whether nothing else differs
differences  [#two_sides]  where they differ
""",
    ),
    "answer": Shape(
        "One handler's side of a comparison.",
        """
url      string        where it was sent
status   integer|null  of the reply
failure  string|null   one word for why there is none
error    string|null   the same in a sentence
latency  number|null   seconds to the end of the reply
signed   string|null   the scheme it was signed with
""",
        part=True,
    ),
    "demo": Shape(
        "What the demo showed: `demo`.",
        """
ok       boolean    whether every step held
steps    {boolean}  step to whether it held
seconds  number     how long it took
""",
    ),
    "test": Shape(
        "One fixture put to a handler: `test`.",
        """
name         string         the file, with a number where it holds several
file         string         the fixture's file
type         string|null    the event's type
outcome      string         passed, failed, or error where there was no reply
url          string         where it was sent
status       integer|null   of the reply; null when there was none
ms           number|null    milliseconds to the end of the reply
failure      string|null    one word for why there is no reply: refused, timeout ...
signed       string|null    the scheme that it was signed afresh with
differences  [#difference]  where the handler did not do as expected
notes        [string]       what else there is to know
snapshot     string|null    same, written or updated; null where none was compared or kept
""",
    ),
    "test_summary": Shape(
        "All fixtures of a run: the last line of `test`.",
        """
tests      integer  how many were put to the handler
passed     integer  as expected
failed     integer  answered otherwise
errors     integer  not answered
snapshots  integer  written or updated
s          number   seconds it took
""",
    ),
    "version": Shape(
        "Which whcli this is: `--version`.",
        """
version   string  of whcli
python    string  of the interpreter
sqlite    string  of the library
platform  string  operating system and machine
""",
    ),
    "help": Shape(
        "A help text: `help`.",
        """
topic  string  a topic or command
text   string  what it says
""",
    ),
    "shape": Shape(
        "A JSON object there is: `schema`.",
        """
name  string  for `whcli schema NAME`
says  string  what it is, and who writes it
""",
    ),
    "error": Shape(
        "What went wrong: one object on standard error, of any command.",
        """
code          string    a stable word
exit          integer   the exit code
message       string    what happened to what
next          string    what to type
details       {string}  why, in labelled parts
near_misses?  [#miss]   `wait`: the events that came closest, the closest first
""",
    ),
}

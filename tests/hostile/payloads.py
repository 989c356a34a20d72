"""Bytes that want to do something to whoever looks at them: to a terminal, to markup, to a log, to a parser.

Eighty and some, by what they attack. A payload may stand in a body, and in a header, a target or a JSON string where
that place can hold it at all.
"""

from __future__ import annotations

import unicodedata

ESC = b"\x1b"

TERMINAL = {
    "window title, ended by BEL": ESC + b"]0;owned\x07",
    "window title, ended by ST": ESC + b"]2;owned" + ESC + b"\\",
    "window title, never ended": ESC + b"]0;owned",
    "hyperlink": ESC + b"]8;;http://evil.example" + ESC + b"\\click" + ESC + b"]8;;" + ESC + b"\\",
    "clipboard is set": ESC + b"]52;c;ZWNobyBvd25lZA==\x07",
    "clipboard is read": ESC + b"]52;c;?\x07",
    "colours are asked": ESC + b"]4;1;?\x07",
    "working directory is told": ESC + b"]7;file://evil.example/\x07",
    "an image, iTerm2": ESC + b"]1337;File=inline=1:AAAA\x07",
    "a command mark": ESC + b"]133;C\x07",
    "a notification": ESC + b"]777;notify;whcli;owned\x07",
    "the screen is cleared": ESC + b"[2J",
    "cursor to the top": ESC + b"[H",
    "cursor up, line erased": ESC + b"[1A" + ESC + b"[2K",
    "colours": ESC + b"[31mred" + ESC + b"[0m",
    "hidden text": ESC + b"[8mhidden" + ESC + b"[28m",
    "device status is asked": ESC + b"[6n",
    "terminal is asked who it is": ESC + b"[c",
    "window size is asked": ESC + b"[18t",
    "other screen": ESC + b"[?1049h",
    "bracketed paste ends": ESC + b"[201~; rm -rf ~\n",
    "mouse reports": ESC + b"[?1003h",
    "full reset": ESC + b"c",
    "DCS: terminal settings are asked": ESC + b"P$qm" + ESC + b"\\",
    "DCS: a sixel image": ESC + b"Pq#0;2;0;0;0" + ESC + b"\\",
    "APC: kitty graphics": ESC + b"_Gf=24;AAAA" + ESC + b"\\",
    "PM": ESC + b"^owned" + ESC + b"\\",
    "tmux passes it on": ESC + b"Ptmux;" + ESC + ESC + b"]0;owned\x07" + ESC + b"\\",
    "line drawing letters": ESC + b"(0lqqk" + ESC + b"(B",
    "C1 control sequence": "\x9b2J".encode(),
    "C1 operating system command": "\x9d0;owned\x9c".encode(),
    "C1 as a bare byte": b"\x9b2J\x9d0;owned\x9c",
    "C1 next line": "one\x85two".encode(),
    "bell": b"\x07" * 40,
    "backspaces": b"valid\x08\x08\x08\x08\x08\x08inva",
    "carriage return": b"signature: invalid\rsignature: valid  ",
    "vertical tab and form feed": b"a\x0bb\x0cc",
    "shift out": b"a\x0eb\x0fc",
    "DEL": b"a\x7f\x7f\x7f",
    "NUL": b"a\x00b",
    "XOFF": b"\x13",
    "end of transmission": b"\x04\x1a",
}

ORDER = {
    "right-to-left override": "invoice\u202efdp.exe".encode(),
    "right-to-left embedding": "a\u202bb\u202c".encode(),
    "isolates": "a\u2067b\u2069\u2066c\u2069".encode(),
    "right-to-left mark": "a\u200fb\u200ec".encode(),
    "Arabic letter mark": "a\u061cb".encode(),
    "line and paragraph separators": "a\u2028b\u2029c".encode(),
    "byte order mark inside": "a\ufeffb".encode(),
}

MARKUP = {
    "rich: bold": b"[bold]shout[/bold]",
    "rich: link": b"[link=http://evil.example]click[/link]",
    "rich: closing what is not open": b"[/x]",
    "rich: an emoji code": b":boom: [red]x",
    "rich: broken markup": b"[bold [/] [[ ]]",
    "workflow command: error": b"::error::owned",
    "workflow command: environment": b"::set-env name=PATH::/evil",
    "workflow command: stop": b"\n::stop-commands::owned\n::add-mask::a\n",
    "log line of its own": b"ok\n12:00:00.000 #1 POST /all-is-well 200",
    "shell": b"$(touch owned) `touch owned` ; touch owned #",
    "percent and braces": b"%s%n %(x)s {x} {0.__class__} ${x}",
}

RICH = [
    *("[bold]b[/bold]", "[red]r[/]", "[on red]x[/on red]", "[reverse]x[/reverse]", "[blink]x[/blink]", "[conceal]x"),
    *("[link=http://evil.example]x[/link]", "[link http://evil.example]x[/link]", "[@click=app.quit]x[/]", "[/]"),
    *("[/bold]", "[bold", "bold]", "[[bold]]", r"\[bold]", "[#ff0000]x[/#ff0000]", "[color(9)]x", "[not bold]x"),
    *("[bold red on blue underline]x[/]", "[b][i][u]x[/u][/i][/b]", ":skull: :boom:", "[markup.strong]x", "[]x[]"),
]
"""What the library that colours bodies would take for styles, links, handlers or emoji."""

BYTES = {
    "no UTF-8 at all": bytes(range(0x80, 0x100)),
    "UTF-8 cut in the middle": "日本".encode()[:-1],
    "overlong slash": b"\xc0\xaf\xe0\x80\xaf",
    "surrogate in UTF-8": b"\xed\xa0\x80",
    "UTF-16": "\ufeffab".encode("utf-16-le"),
    "every byte": bytes(range(256)),
    "one very long line": b"A" * 300_000,
    "many combining marks": ("e" + "\u0301" * 5_000).encode(),
    "many lines": b"x\n" * 50_000,
    "a million controls": b"\x1b" * 1_000_000,
}

JSON = {
    "JSON: escapes hide a sequence": b'{"type":"\\u001b]0;owned\\u0007"}',
    "JSON: C1 and bidi in escapes": b'{"type":"\\u009b2J \\u202e"}',
    "JSON: a lone surrogate": b'{"type":"\\ud800"}',
    "JSON: a surrogate in UTF-8": b'{"type":"\xed\xa0\x80"}',
    "JSON: NUL in a string": b'{"type":"a\\u0000b"}',
    "JSON: markup": b'{"[bold]":"[/x]"}',
    "JSON: nested 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "JSON: nested 900 deep": b'{"a":' * 900 + b"1" + b"}" * 900,
    "JSON: nested 90 deep": b"[" * 90 + b"1," * 20_000 + b"1" + b"]" * 90,
    "JSON: a number of 6,000 digits": b"[" + b"9" * 6_000 + b"]",
    "JSON: numbers that are none": b'{"amount":NaN,"b":Infinity,"c":1e999}',
    "JSON: the same key twice": b'{"type":"a","type":"b"}',
    "JSON: cut": b'{"type":"charge.succ',
    "JSON: a megabyte": b'{"items":[' + b'{"a":[1,2,3],"b":"x"},' * 45_000 + b"{}]}",
}

PAYLOADS: dict[str, bytes] = {**TERMINAL, **ORDER, **MARKUP, **BYTES, **JSON}
"""All of them, by name."""

SHORT = {name: payload for name, payload in PAYLOADS.items() if len(payload) <= 1_000}
"""Those that fit into a header, a target or an id, after what such a place cannot hold is taken out."""


def in_field(payload: bytes) -> bytes:
    """A payload as a header's value can hold it: without CR, LF and NUL, and the white space around it."""
    return payload.translate(None, b"\r\n\x00").strip(b" \t")


BIDI_CONTROLS = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)}


def acts(text: str, keep: str = "") -> list[str]:
    """The characters in a text that a terminal or a reader's eye would act on, by what Unicode says of them."""
    return [
        letter
        for letter in sorted(set(text) - set(keep))  # each once: a payload repeats a few of them a million times
        if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or letter in BIDI_CONTROLS or letter == "\ufeff"
    ]

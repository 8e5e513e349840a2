"""Tokens that are refused, by what is wrong with each: its claims, its signature, its header, its form."""

from base64 import urlsafe_b64encode
from typing import Final

from tests.parts.signing import KEY, NOW, OTHER_KEY, SOON, claims, header, raw_claims, segment, sign, swapped

EXPIRIES: Final = {
    "absent": (claims(exp=None), "no_exp"),
    "null": (raw_claims(exp="null"), "bad_exp"),
    "true": (raw_claims(exp="true"), "bad_exp"),
    "false": (raw_claims(exp="false"), "bad_exp"),
    "text": (claims(exp=str(SOON)), "bad_exp"),
    "list": (claims(exp=[SOON]), "bad_exp"),
    "object": (claims(exp={"at": SOON}), "bad_exp"),
    "negative": (claims(exp=-1), "bad_exp"),
    "1e400": (raw_claims(exp="1e400"), "bad_exp"),
    "-1e400": (raw_claims(exp="-1e400"), "bad_exp"),
    "10^400": (raw_claims(exp="1" + "0" * 400), "bad_exp"),
    "NaN": (raw_claims(exp="NaN"), "bad_exp"),
    "Infinity": (raw_claims(exp="Infinity"), "bad_exp"),
    "milliseconds": (claims(exp=SOON * 1000), "bad_exp"),
    "the year 10000": (claims(exp=253_402_300_800), "bad_exp"),
    "zero": (claims(exp=0), "expired"),
    "a second ago": (claims(exp=NOW - 1), "expired"),
    "a fraction ago": (claims(exp=NOW - 0.001), "expired"),
    "exactly now": (claims(exp=NOW), "expired"),
    "exactly now as a float": (raw_claims(exp=f"{NOW}.0"), "expired"),
    "named twice, the last one past": (raw_claims(more=',"exp":1'), "expired"),
}


IDENTITIES: Final = {
    "no sub": (claims(sub=None), "no_sub"),
    "only userId": (claims(sub=None, userId="alice"), "no_sub"),
    "only email": (claims(sub=None, email="a@b.example"), "no_sub"),
    "only id": (claims(sub=None, id="alice"), "no_sub"),
    "an e-mail verification token": (claims(sub=None, email="a@b.example", userId="alice", iat=NOW), "no_sub"),
    "a session cookie": (claims(sub=None, user={"id": "alice"}, session={"userId": "alice"}), "no_sub"),
    "upper case": (claims(sub=None, SUB="alice"), "no_sub"),
    "null": (raw_claims(sub="null"), "no_sub"),
    "number": (claims(sub=42), "no_sub"),
    "true": (claims(sub=True), "no_sub"),
    "list": (claims(sub=["alice"]), "no_sub"),
    "object": (claims(sub={"id": "alice"}), "no_sub"),
    "empty": (claims(sub=""), "bad_sub"),
    "blank": (claims(sub="   "), "bad_sub"),
    "NUL": (claims(sub="alice\0"), "bad_sub"),
    "only NUL": (claims(sub="\0"), "bad_sub"),
    "newline": (claims(sub="alice\n2026-01-01 - app - INFO - all is well"), "bad_sub"),
    "tab": (claims(sub="ali\tce"), "bad_sub"),
    "escape": (claims(sub="\x1b[31malice"), "bad_sub"),
    "line separator": (claims(sub="alice\u2028"), "bad_sub"),
    "no-break space": (claims(sub="alice\u00a0"), "bad_sub"),
    "zero width space": (claims(sub="ali\u200bce"), "bad_sub"),
    "right to left": (claims(sub="\u202ealice"), "bad_sub"),
    "lone surrogate": (raw_claims(sub='"alice\\ud800"'), "bad_sub"),
    "byte order mark": (claims(sub="\ufeffalice"), "bad_sub"),
    "256 characters": (claims(sub="a" * 256), "bad_sub"),
    "10000 characters": (claims(sub="a" * 10_000), "bad_sub"),
}

BROKEN_SIGNATURE: Final = {
    "another key": sign(claims(), key=OTHER_KEY),
    "empty key": sign(claims(), key=b""),
    "the key in base64": sign(claims(), key=urlsafe_b64encode(KEY)),
    "payload tampered with": swapped(sign(claims()), 1, segment(claims(sub="bob"))),
    "header tampered with": swapped(sign(claims()), 0, segment(header(typ="JWT"))),
    "signature of another token": swapped(sign(claims()), 2, sign(claims(sub="bob")).split(".")[2]),
    "signature cut short": swapped(sign(claims()), 2, sign(claims()).split(".")[2][:-3]),
    "signature of one byte": swapped(sign(claims()), 2, "AA"),
    "signature of zeroes": swapped(sign(claims()), 2, segment(bytes(32))),
    "HS512 signature under HS256": sign(claims(), digest="sha512"),
    "no good payload and no good signature": swapped(sign(claims()), 1, segment("no json")),
}


ALGORITHMS: Final = {
    "none": sign(claims(), '{"alg":"none"}'),
    "nOnE": sign(claims(), '{"alg":"nOnE"}'),
    "hs256": sign(claims(), '{"alg":"hs256"}'),
    "HS384": sign(claims(), '{"alg":"HS384"}', digest="sha384"),
    "HS512": sign(claims(), '{"alg":"HS512"}', digest="sha512"),
    "RS256, signed as HS256": sign(claims(), '{"alg":"RS256"}'),
    "ES256, signed as HS256": sign(claims(), '{"alg":"ES256"}'),
    "EdDSA, signed as HS256": sign(claims(), '{"alg":"EdDSA","kid":"3f2c"}'),
    "absent": sign(claims(), "{}"),
    "null": sign(claims(), '{"alg":null}'),
    "empty": sign(claims(), '{"alg":""}'),
    "list": sign(claims(), '{"alg":["HS256"]}'),
    "object": sign(claims(), '{"alg":{"HS256":1}}'),
    "number": sign(claims(), '{"alg":256}'),
    "HS256 and a space": sign(claims(), '{"alg":"HS256 "}'),
    "named twice, the last one none": sign(claims(), '{"alg":"HS256","alg":"none"}'),
}


EXTENSIONS: Final = {
    "crit": header(crit=["exp"]),
    "crit of nothing": header(crit=[]),
    "crit b64": header(crit=["b64"], b64=True),
    "crit of a wrong type": header(crit="b64"),
    "b64 false": header(b64=False),
    "b64 true": header(b64=True),
    "b64 null": header(b64=None),
    "zip": header(zip="DEF"),
}


DEEP: Final = "[" * 5_000 + "]" * 5_000


MALFORMED: Final = {
    "empty": "",
    "one segment": "abc",
    "two segments": ".".join(sign(claims()).split(".")[:2]),
    "four segments": sign(claims()) + ".AAAA",
    "five segments, an encrypted one": "a.b.c.d.e",
    "better auth's session token": "Zq3kVx8c2LrT0aYbN7mWfEuJ5hGdPs1i.c2lnbmF0dXJlIG9mIHRoZSBzZXNzaW9u",
    "no header": swapped(sign(claims()), 0, ""),
    "no payload": swapped(sign(claims()), 1, ""),
    "no signature": swapped(sign(claims()), 2, ""),
    "alg none without a signature": swapped(sign(claims(), '{"alg":"none"}'), 2, ""),
    "only dots": "..",
    "padding": sign(claims()) + "=",
    "padding inside": swapped(sign(claims()), 0, segment('{"alg":"HS256" }') + "=="),
    "standard base64 alphabet": swapped(sign(claims()), 2, "+/" + "A" * 41),
    "space inside": sign(claims()).replace(".", ". ", 1),
    "newline at the end": sign(claims()) + "\n",
    "not ASCII": sign(claims()) + "é",
    "NUL": sign(claims()) + "\0",
    "header of an impossible length": swapped(sign(claims()), 0, "AAAAA"),
    "header not JSON": sign(claims(), "HS256"),
    "header not an object": sign(claims(), '["HS256"]'),
    "header a string": sign(claims(), '"HS256"'),
    "header null": sign(claims(), "null"),
    "header not UTF-8": sign(claims(), b'{"alg":"HS256","x":"\xff"}'),
    "header deeply nested": sign(claims(), f'{{"alg":"HS256","x":{DEEP}}}'),
    "kid a number": sign(claims(), header(kid=1)),
    "kid a list": sign(claims(), header(kid=["x"])),
    "kid null": sign(claims(), header(kid=None)),
    "payload not JSON": sign("alice"),
    "payload a list": sign(f"[{claims()}]"),
    "payload a string": sign('"alice"'),
    "payload a number": sign("1"),
    "payload null": sign("null"),
    "payload not UTF-8": sign(b'{"sub":"\xff","exp":1900000000}'),
    "payload deeply nested": sign(raw_claims(more=f',"x":{DEEP}')),
    "payload cut off": sign(claims()[:-1]),
    "two payloads": sign(claims() + claims()),
    "number of 5000 digits": sign(raw_claims(exp="1" * 5_000)),
}

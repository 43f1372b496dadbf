"""Personal data in text: e-mail addresses, telephone numbers, payment cards, accounts, machines' addresses.

Telephone numbers are found by Google's rules for the world's numbers (`phonenumbers`, which Presidio uses
too): written with a country code, or in a national form behind a word such as "Tel." or in brackets. What is
reserved for examples, such as `user@example.com` (RFC 2606), is nobody's. How much is found: docs/audit.md.
"""

from __future__ import annotations

import importlib
import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

Kind = Literal["email", "phone", "other"]
REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "JP", "IN", "BR", "AU", "CH", "AT", "NL", "CN", "MX")
"""Countries whose national form of a number is recognised, the likeliest first."""

# Bounded, as addresses are, so that no text takes long.
_LOCAL = r"[\w!#$%&'*+/=?^`{|}~-]{1,64}(?:\.[\w!#$%&'*+/=?^`{|}~-]{1,64}){0,8}"
_EMAIL = re.compile(
    rf"(?<![\w@/.-])(?P<local>{_LOCAL})@(?P<host>(?:\w[\w-]{{0,62}}\.){{1,8}}(?P<top>[^\W\d_]{{2,24}}))"
    r"(?![\w@-]|:\S|\.\w)"
)
_IN_WORDS = re.compile(
    r"(?<![\w.])(?P<local>[\w+-]{1,64}(?:\.[\w+-]{1,64}){0,8})\s{0,9}(?:[\[({<]\s{0,9}at\s{0,9}[\])}>]|\sAT\s)\s*"
    r"(?P<host>[\w-]{1,63}(?:\s*(?:[\[({<]\s*dot\s*[\])}>]|\sDOT\s|\.)\s*[\w-]{1,63}){0,8}?)"
    r"\s*(?:[\[({<]\s*dot\s*[\])}>]|\sDOT\s)\s*(?P<top>[a-zA-Z]{2,12})\b",
)
_IN_HOST = re.compile(r"://[^\s/?#]*$")
"""What stands before an `@` that parts a name from a host in a web address."""
_RESERVED = re.compile(
    r"(?:^|\.)(?:example\.(?:com|org|net|edu)|(?:[\w-]+\.)*(?:example|invalid|test|localhost|local))$", re.I
)
_FILES = frozenset(
    {
        *("png", "jpg", "jpeg", "gif", "webp", "svg", "pdf", "txt", "html", "css", "js", "py", "json", "md"),
        *("csv", "zip", "gz", "tar", "tiff", "bmp", "mp4", "wav"),
    }
)
"""Ends of file names, which no domain has."""
_SSH = re.compile(r"^(?:git|svn|hg|root)$", re.I)
_CONTEXT = re.compile(
    r"(?:\b(?:tel(?:e(?:phone|fon)|éfono|efono)?|tél(?:éphone)?|phone|mobile|mobil|handy|fax"
    r"|call(?:ing)?|ring|whatsapp|sms|"
    r"text me|dial|reach (?:me|us|him|her|them)|telefon|cell(?:phone)?|hotline)\b[.:]*|☎|☏|📞)[^\d\n]{0,25}$",
    re.I,
)
_ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\w:]|\.\d)"
)
_MACHINE = re.compile(
    r"\b(?:ip|ipv4|ipv6|address|host|client|server|from|login|logged|connect\w*|ping)\b[^.\n]{0,20}$", re.I
)
_CARD = re.compile(r"(?<![\w.,-])(?:\d[ -]?){12,18}\d(?![\w-]|[.,]\d)")
_ISSUERS = re.compile(
    r"^(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|5\d\d"
    r"|4[4-9]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}|35\d{14})$"
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b")
_LENGTHS = {
    **{"AT": 20, "BE": 16, "CH": 21, "DE": 22, "DK": 18, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "IE": 22},
    **{"IT": 27, "LU": 20, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "SE": 24, "CZ": 24, "GR": 27, "HU": 28},
}
"""Of account numbers by country (ISO 13616)."""


@dataclass(frozen=True)
class Personal:
    """One piece of personal data in a text."""

    kind: Kind
    what: str
    """In words."""
    start: int
    end: int
    text: str

    @property
    def masked(self) -> str:
        """The piece with most of its letters and digits hidden, to be shown in a report."""
        return mask(self.text)


def mask(text: str) -> str:
    """`text` with every letter and digit after the first two hidden."""
    return text[:2] + re.sub(r"\w", "•", text[2:])


def hidden(text: str) -> str:
    """`text` with all personal data in it masked."""
    for p in reversed(personal(text)):
        text = text[: p.start] + p.masked + text[p.end :]
    return text


def personal(text: str, *, digits: bool = True) -> list[Personal]:
    """All personal data in `text`, in order; without `digits` e-mail addresses alone, as for web addresses.

    Without the package phonenumbers no telephone numbers are found, see :func:`knows_phones`.
    """
    found = list(_emails(text))
    if digits and re.search(r"\d", text):
        taken = [(p.start, p.end) for p in found]
        for more in (_accounts(text), _cards(text), _addresses(text), _phones(text)):
            for p in more:
                if all(p.end <= a or b <= p.start for a, b in taken):
                    found.append(p)
                    taken.append((p.start, p.end))
    return sorted(found, key=lambda p: p.start)


def _emails(text: str) -> Iterator[Personal]:
    if "@" in text:
        for m in _EMAIL.finditer(text):
            top = m["top"].lower()
            # A name or key in front of a host, as in https://me:key@host, is part of an address.
            if _IN_HOST.search(text, max(0, m.start() - 200), m.end("local")):
                continue
            if top in _FILES or _RESERVED.search(m["host"]) or _SSH.match(m["local"]):
                continue
            yield Personal("email", "an e-mail address", m.start(), m.end(), m[0])
    if re.search(r"\bat\b", text, re.I):
        for m in _IN_WORDS.finditer(text):
            host = re.sub(r"\s*(?:[\[({<]\s*dot\s*[\])}>]|\sDOT\s)\s*", ".", f"{m['host']}")
            if not _RESERVED.search(f"{host}.{m['top']}"):
                yield Personal("email", "an e-mail address in words", m.start(), m.end(), m[0])


@cache
def _numbers() -> Any:
    """The package phonenumbers; None where it is not installed."""
    try:
        return importlib.import_module("phonenumbers")
    except ImportError:
        return None


def knows_phones() -> bool:
    """Whether telephone numbers can be looked for."""
    return _numbers() is not None


def _phones(text: str) -> Iterator[Personal]:
    numbers = _numbers()
    if numbers is None:
        return
    matcher = numbers.PhoneNumberMatcher
    if "+" in text:
        for m in matcher(text, None, leniency=numbers.Leniency.VALID):
            yield Personal("phone", "a telephone number", m.start, m.end, m.raw_string)
    for start, end in _national(text):
        piece = text[start:end]
        for region in REGIONS:
            found = next(iter(matcher(piece, region, leniency=numbers.Leniency.VALID)), None)
            if found is not None:
                at = start + found.start, start + found.end
                yield Personal("phone", "a telephone number", *at, found.raw_string)
                break


_CANDIDATE = re.compile(r"(?<![\w.,/+-])(?:\(\d{2,5}\)[ /-]?|0|\d)[\d ()/.-]{6,18}\d(?![\w-]|[.,]\d)")
_BRACKETED = re.compile(r"\(\d{2,5}\)[ /-]?\d{2,4}[ -]?\d{3,5}\b")


def _national(text: str) -> Iterator[tuple[int, int]]:
    """Where a national form of a number may be: its area code in brackets, or behind a word that says so."""
    for m in _CANDIDATE.finditer(text):
        if _BRACKETED.match(m[0]) or _CONTEXT.search(text, max(0, m.start() - 45), m.start()):
            yield m.start(), m.end()


def _cards(text: str) -> Iterator[Personal]:
    for m in _CARD.finditer(text):
        digits = re.sub(r"\D", "", m[0])
        if _ISSUERS.match(digits) and _luhn(digits):
            yield Personal("other", "the number of a payment card", m.start(), m.end(), m[0])


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _accounts(text: str) -> Iterator[Personal]:
    for m in _IBAN.finditer(text):
        found = m[0].replace(" ", "")
        length = _LENGTHS.get(found[:2])
        if length is None or len(found) < length:
            continue
        found = found[:length]
        moved = found[4:] + found[:4]
        if int("".join(str(int(c, 36)) for c in moved)) % 97 == 1:
            yield Personal("other", "the number of a bank account", m.start(), m.end(), m[0])


def _addresses(text: str) -> Iterator[Personal]:
    for m in _ADDRESS.finditer(text):
        try:
            address = ipaddress.ip_address(m[0])
        except ValueError:
            continue
        before = text[max(0, m.start() - 30) : m.start()]
        # A version has four numbers too, and a ratio colons: it is called an address, or long.
        long = address.version == 6 and len(re.findall(r"\w+", m[0])) > 3
        if address.is_global and (long or _MACHINE.search(before)):
            yield Personal("other", "the address of a machine", m.start(), m.end(), m[0])


def kinds(found: Iterable[Personal]) -> set[Kind]:
    """The kinds that are among `found`."""
    return {p.kind for p in found}

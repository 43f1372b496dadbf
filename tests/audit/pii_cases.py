"""Sentences with and without personal data, each with the kinds that it holds; names and numbers are invented.

Written before the recognisers; half of them was set aside: `HELD`.
"""

# ruff: noqa: E501  sentences stay whole

from __future__ import annotations

import hashlib

CASES: tuple[tuple[str, str], ...] = (
    # E-mail addresses
    ("Write to mara.holt@fjordmail.no before Friday.", "email"),
    ("mail: j-h_k+news@sub.domain.co.uk", "email"),
    ("<a href='mailto:petra@lindenhof-verlag.de'>Petra</a>", "email"),
    ("Contact: Ivo Tanner (ivo.tanner@uni-bergstadt.ch), room 12", "email"),
    ("My address is o'neil.sean@galwaypost.ie, thanks", "email"),
    ("first.last@company.museum", "email"),
    ("lisa_93@hotmail.com,tom.w@gmail.com", "email"),
    ("reply to k.yamada [at] tokyo-press [dot] jp", "email"),
    ("anna (at) seilerei (dot) at", "email"),
    ("bob AT widgetworks DOT com is how you reach me", "email"),
    ("E-mail: BIRGIT.SOMMER@POST-AMT.DE", "email"),
    ("author = carlos.ruiz2@correo.com.mx;", "email"),
    ("Ring or write, zoe@x.io", "email"),
    ("user+tag@mail-server.example-company.net asked twice", "email"),
    ("send the proofs to herr.müller@buchdruck.de", "email"),
    ("jean-luc@ecole.fr wrote: hello", "email"),
    # None
    ("The logo is logo@2x.png and icon@3x.webp.", ""),
    ("git clone git@github.com:harbour/lanterns.git", ""),
    ("pip install lantern@1.2.3 or numpy@2.0.1", ""),
    ("Follow @harbourlights and @pier_nine on the network.", ""),
    ("@app.route('/index.html')\ndef index(): ...", ""),
    ("Meet me @ the.pier at noon.", ""),
    ("Use user@example.com as a placeholder.", ""),
    ("admin@localhost may log in", ""),
    ("test@mail.invalid and demo@site.test are reserved", ""),
    ("a matrix product a@b.T in numpy", ""),
    ("scp file root@10.0.0.4:/tmp", ""),
    ("5 apples @ 2.50 each", ""),
    ("The sign at the corner, dot by dot, com-plete.", ""),
    ("She looked at him and put a dot on the map.", ""),
    ("name@domain is not a full address", ""),
    ("x@y.z1", ""),
    # Telephone numbers
    ("Call +49 30 901820 between nine and five.", "phone"),
    ("Tel. 030 / 90 18 20 (Berlin)", "phone"),
    ("+1 (415) 864-2000", "phone"),
    ("phone: 415-864-2000", "phone"),
    ("Mobile 07911 123456, ask for Sue", "phone"),
    ("Fax: +33 1 42 60 35 95", "phone"),
    ("+81-3-3201-3331", "phone"),
    ("Tél. 01 42 60 35 95", "phone"),
    ("Whatsapp +55 11 91234-5678", "phone"),
    ("+39 06 6982 1234 is the office", "phone"),
    ("you can reach me on (212) 736-5000 any evening", "phone"),
    ("Telefon: 0043 1 58858", "phone"),
    ("ring 020 7946 0958 after tea", "phone"),
    ("+91 98765 43210", "phone"),
    ("call 1-800-356-9377 toll free", "phone"),
    ("telephone +61 2 9374 4000", "phone"),
    ("text me: 646.555.7890", "phone"),
    ("Tel.: 0761/2164-0", "phone"),
    # None
    ("ISBN 978-3-16-148410-0, second printing", ""),
    ("Order 2024-1017 shipped on 2024-10-17", ""),
    ("The war of 1914-1918 cost millions", ""),
    ("population 3 456 789 in 2020", ""),
    ("a board of 1200 x 600 x 18 mm", ""),
    ("coordinates 52.520008, 13.404954", ""),
    ("pi is 3.14159265358979", ""),
    ("version 10.0.19041.1288", ""),
    ("pages 212-736 and 5000 more", ""),
    ("DOI 10.1000/182 and arXiv 2410.15002", ""),
    ("seeds 0, 1, 2, 3, 4, 5, 6, 7, 8, 9", ""),
    ("sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", ""),
    ("time 12:34:56.789 on day 20261201", ""),
    ("the score was 212 736 5000 to nothing", ""),
    ("ISSN 0317-8471, vol. 12 no. 3", ""),
    ("timestamp 1733011200 and id 4158642000", ""),
    ("catalogue 415-864-2000-A of 1931", ""),
    ("2,147,483,647 is the largest", ""),
    ("Rent $1,415,864,200.00 a year", ""),
    ("RFC 2606, ISO 639-1, IEC 61966-2-1", ""),
    # Others: machines' addresses, payment cards, bank accounts
    ("Logged in from IP 81.2.69.142 at dawn", "other"),
    ("IP address: 2a00:1450:4001:81b::200e", "other"),
    ("client ip=203.45.167.9 blocked", "other"),
    ("card 4111 1111 1111 1111 exp 12/29", "other"),
    ("Visa 4539148803436467", "other"),
    ("Mastercard: 5500-0000-0000-0004", "other"),
    ("IBAN DE89 3704 0044 0532 0130 00", "other"),
    ("account GB29NWBK60161331926819 please", "other"),
    ("amex 3782 822463 10005", "other"),
    ("his card number is 6011000990139424", "other"),
    # None
    ("software 4.18.0.305 was released", ""),
    ("bind to 127.0.0.1 or 0.0.0.0", ""),
    ("private IP 192.168.1.10", ""),
    ("chapter 1.2.3.4 of the manual", ""),
    ("number 4111 1111 1111 1112 fails the check", ""),
    ("1234 5678 9012 3456", ""),
    ("IBAN DE00 0000 0000 0000 0000 00", ""),
    ("barcode 4006381333931", ""),
    ("std::vector<int>::iterator it", ""),
    ("ratio 16::9 and 4::3", ""),
    ("GB29 is a locomotive class", ""),
    ("serial 0000 0000 0000 0000", ""),
    # Plain text and captions
    ("Hupgroqui the bear", ""),
    ("blue videogame cat with purple crown and red scarf and flower", ""),
    ("A young mermaid with long flowing bright red hair, large blue eyes and fair skin", ""),
    ("In 1928 the steamboat whistled three times; see fig. 4 (a).", ""),
    ("Priced at 12,50 €, number 7 of 250.", ""),
    ("R2-D2 and C-3PO, model THX-1138", ""),
    ("https://www.example.org/a@b/c?id=1234567890", ""),
    ("call of the wild, 2020, 100 min", ""),
    ("The phone was invented in 1876 by 2 men.", ""),
    ("mobile 3 of Calder, 1931, 120 x 90 cm", ""),
    ("tel aviv 1909-2009: 100 years", ""),
    ("my number one fan scored 30 40 50 points", ""),
)


def held(text: str) -> bool:
    """Whether a sentence belongs to the half that was set aside."""
    return hashlib.sha256(text.encode()).digest()[0] % 2 == 1


OPEN = tuple(c for c in CASES if not held(c[0]))
HELD = tuple(c for c in CASES if held(c[0]))

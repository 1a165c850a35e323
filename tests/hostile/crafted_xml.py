"""Hostile XML and zip archives, made by hand."""

import struct
from functools import partial

from tests.hostile.archives import damaged_zip, zipped
from tests.hostile.crafted import MB, Crafted, made, told
from tests.patients.ingest.builders import apple_export, apple_heart, apple_sleep

XML = '<?xml version="1.0"?>\n<!DOCTYPE HealthData [{}]>\n<HealthData>{}</HealthData>\n'
MANY_ATTRIBUTES = " ".join(f'a{i}="{i}"' for i in range(20_000))


def _laughs() -> str:
    lines = "".join(
        f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' if i else '<!ENTITY l0 "lol">' for i in range(10)
    )
    heart = apple_heart(60).replace('value="60"', 'value="&l9;"')
    return XML.format(lines, heart)


def _quadratic() -> str:
    return XML.format(f'<!ENTITY a "{"a" * 100_000}">', apple_heart(60) + "&a;" * 100_000)


XML_FILES = [
    Crafted("billion laughs", made("export.xml", _laughs)),
    Crafted("quadratic blowup", made("export.xml", _quadratic), tame=True),
    Crafted(
        "external entity",
        told(
            "export.xml",
            XML.format(
                '<!ENTITY x SYSTEM "file:///etc/passwd">',
                apple_heart(60).replace('sourceName="', 'sourceName="&x;'),
            ),
        ),
        tame=True,
    ),
    Crafted(
        "external entity in text",
        told(
            "export.xml",
            XML.format('<!ENTITY x SYSTEM "file:///etc/passwd">', f"{apple_heart(60)}<a>&x;</a>"),
        ),
        tame=True,
    ),
    Crafted(
        "parameter entities",
        told(
            "export.xml",
            XML.format(
                '<!ENTITY % x SYSTEM "file:///etc/passwd"><!ENTITY % y "<!ENTITY z \'%x;\'>"> %y;',
                "&z;",
            ),
        ),
    ),
    Crafted(
        "external DTD",
        told(
            "export.xml",
            '<?xml version="1.0"?>\n<!DOCTYPE HealthData SYSTEM "http://127.0.0.1:9/x.dtd">\n'
            f"<HealthData>{apple_heart(60)}</HealthData>",
        ),
        tame=True,
    ),
    Crafted(
        "deep XML",
        made("export.xml", lambda: XML.format("", "<a>" * 200_000 + apple_heart(60))),
        tame=True,
    ),
    Crafted(
        "attribute of 60 MB",
        made(
            "export.xml",
            lambda: XML.format("", apple_heart(60).replace('unit="', f'unit="{"x" * 60 * MB}')),
        ),
    ),
    Crafted(
        "a tag of 20,000 attributes",
        made(
            "export.xml",
            lambda: XML.format("", f"<Record {MANY_ATTRIBUTES}/>{apple_heart(60)}"),
        ),
        tame=True,
    ),
    Crafted(
        "sleep that ends before it starts",
        told("export.xml", apple_export(apple_sleep("AsleepCore", 0, -400))),
    ),
    Crafted(
        "sleep of 800 days",
        told("export.xml", apple_export(apple_sleep("AsleepCore", 0, 800 * 1440))),
    ),
]


def _nested(levels: int) -> bytes:
    raw = zipped({"export.xml": bytes(10 * MB)})
    for level in range(levels):
        raw = zipped({f"{level}-{i}.zip": raw for i in range(10)})
    return raw


def _overlapping() -> bytes:
    """Every name in the directory leads to the one packed member, as in the zip bomb of 2019."""
    raw = zipped({"a.json": b" " * 500_000})
    at, end = raw.find(b"PK\x01\x02"), raw.find(b"PK\x05\x06")
    count = 20_000
    entries = b"".join(
        raw[at : at + 46] + f"{i:06d}"[-6:].encode() + raw[at + 46 + 6 : end] for i in range(count)
    )
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(entries), at, 0)
    return raw[:at] + entries + tail


def _zip_files() -> list[Crafted]:
    export = {"apple_health_export/export.xml": apple_export(apple_heart(60)).encode()}
    tame = {"up", "absolute", "drive", "control characters", "surrogate", "links"}
    return [
        Crafted("flat zip bomb", made("a.zip", lambda: zipped({"export.xml": bytes(300 * MB)}))),
        Crafted("nested zip bomb", made("a.zip", lambda: _nested(4))),
        Crafted("overlapping zip bomb", made("a.zip", _overlapping)),
        Crafted(
            "zip of 60,000 files",
            made("a.zip", lambda: zipped({f"{i}.json": b"" for i in range(60_000)})),
        ),
        *(
            Crafted(
                f"zip: {how}",
                made("a.zip", partial(damaged_zip, export, how)),
                how in tame,
            )
            for how in (*sorted(tame), "encrypted", "checksum", "size small", "size huge", "method")
        ),
    ]  # fmt: skip


ZIP_FILES = _zip_files()

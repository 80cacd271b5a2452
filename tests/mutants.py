"""Mutants of files: damage of every kind, drawn from a seeded generator."""

import io
import json
import random
import struct
import zipfile
import zlib

EXTREMES = (b"\0", b"\xff", b"\x7f", b"\x80", b"-", b"9", b"\n", b'"', b",")
NUMBERS = (0, 1, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1)
WORDS = ("", " ", "nan", "inf", "-inf", "1e400", "-1", "0", "9" * 5000, "=1+1", "\u202e", "é\0", '"', "a,b", "null")
DEEP = "[" * 100_000


def json_values():
    """What stands in place of a value."""
    return [None, True, -1, 0, 1e308, 10**400, 0.5, "", "x" * 2000, "\ud800", "a\n", [], {}, [[]], {"": {}}, ["x"], [0]]


def mutate_bytes(draw: random.Random, content: bytes) -> bytes:
    """Flip, cut, insert, repeat or overwrite bytes in one to four places."""
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        content = draw.choice(BYTE_CHANGES)(draw, content)
    return content


def _place(draw, content):
    """Somewhere in a file, half of the time near its beginning, where headers are."""
    return draw.randrange(max(1, min(len(content), draw.choice((64, 512, 10**9)))))


def _flip(draw, content):
    place = _place(draw, content)
    return (
        content[:place] + bytes([content[place] ^ (1 << draw.randrange(8))]) + content[place + 1 :] if content else b""
    )


def _cut(draw, content):
    return content[: _place(draw, content)] if draw.random() < 0.5 else content[_place(draw, content) :]


def _insert(draw, content):
    place = _place(draw, content)
    return content[:place] + draw.choice(EXTREMES) * draw.choice((1, 1, 4, 5000)) + content[place:]


def _remove(draw, content):
    place = _place(draw, content)
    return content[:place] + content[place + draw.choice((1, 2, 4, 100)) :]


def _overwrite(draw, content):
    place = _place(draw, content)
    number = struct.pack(draw.choice(("<I", ">I")), draw.choice(NUMBERS))[: draw.choice((1, 2, 4))]
    return content[:place] + number + content[place + len(number) :]


def _repeat(draw, content):
    start, end = sorted((_place(draw, content), _place(draw, content)))
    return content[:end] + content[start:]


BYTE_CHANGES = (_flip, _flip, _cut, _insert, _remove, _overwrite, _overwrite, _repeat)


def mutate_json(draw: random.Random, content: bytes) -> bytes:
    """Change the structure of a JSON document, or now and then its text."""
    if draw.random() < 0.15:
        return mutate_bytes(draw, content)
    if draw.random() < 0.05:
        return draw.choice((DEEP, f'{{"n": {"9" * 5000}}}', "[1, 2", "NaN", "null", "[]", '"x"')).encode()
    document = json.loads(content)
    for _ in range(draw.choice((1, 1, 2))):
        places = list(_walk(document))
        if not places:
            break
        parent, key = draw.choice(places)
        _change_entry(draw, parent, key)
    return json.dumps(document).encode()


def _walk(value):
    """Every entry of a JSON value, as its parent and its key or index."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _walk(value[key])


def _change_entry(draw, parent, key):
    kind = draw.randrange(4)
    if kind == 0:
        del parent[key]
    elif kind == 1 and isinstance(parent, dict):
        parent[draw.choice((f"{key}x", "", "\n", "__class__"))] = parent.pop(key)
    elif kind == 1:
        parent.insert(key, parent[key])
    else:
        parent[key] = draw.choice(json_values())


def mutate_csv(draw: random.Random, content: bytes) -> bytes:
    """Change fields, columns and lines of a csv file, or now and then its bytes."""
    if draw.random() < 0.2:
        return mutate_bytes(draw, content)
    lines = [line.split(",") for line in content.decode().splitlines()]
    row = draw.choice(lines)
    column = draw.randrange(len(row))
    kind = draw.randrange(6)
    if kind == 0:
        del row[column]
    elif kind == 1:
        row.insert(column, row[column])
    elif kind == 2:
        lines.insert(draw.randrange(len(lines)), list(row))
    elif kind == 3:
        lines.remove(row)
    else:
        row[column] = draw.choice(WORDS)
    return ("\n".join(map(",".join, lines)) + draw.choice(("\n", ""))).encode("utf-8", "surrogatepass")


def mutate_zip(draw: random.Random, content: bytes, members=None) -> bytes:
    """Change an archive's bytes, or what a member holds, so that the checksums are right again.

    Args:
        draw: The generator.
        content: A zip archive.
        members: Mutators by the ending of a member's name; bytes are changed where there is none.
    """
    if draw.random() < 0.4:
        return mutate_bytes(draw, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    name = draw.choice(list(contents))
    kind = draw.randrange(8)
    if kind == 0:
        del contents[name]
    elif kind == 1:
        contents[draw.choice(("assets/x", "../x", f"{name}x", "/x", "a/" * 2000))] = contents.pop(name)
    elif kind == 2:
        contents[name] = bytes(draw.choice((0, 10_000_000)))
    else:
        ending = name.rpartition(".")[2]
        contents[name] = (members or {}).get(ending, mutate_bytes)(draw, contents[name])
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for member, inner in contents.items():
            archive.writestr(member, inner)
    return stream.getvalue()


def mutate_gzip(draw: random.Random, content: bytes) -> bytes:
    """Change a gzip or zlib stream's bytes, or what it unpacks to."""
    if draw.random() < 0.5:
        return mutate_bytes(draw, content)
    is_gzip = content[:2] == b"\x1f\x8b"
    inner = zlib.decompress(content, 31 if is_gzip else 15)
    packer = zlib.compressobj(1, zlib.DEFLATED, 31 if is_gzip else 15)
    return packer.compress(mutate_bytes(draw, inner)) + packer.flush()


def mutate_lines(draw: random.Random, content: bytes) -> bytes:
    """Change a text header of lines of keys and values, with voxels behind it."""
    if draw.random() < 0.3:
        return mutate_bytes(draw, content)
    head, tail = content[:600], content[600:]
    lines = head.split(b"\n")
    number = draw.randrange(max(1, len(lines) - 1))
    key, sign, value = lines[number].partition(b"=" if b"=" in lines[number] else b":")
    kind = draw.randrange(4)
    if kind == 0:
        del lines[number]
    elif kind == 1:
        lines.insert(number, lines[number])
    elif kind == 2:
        lines[number] = key + sign + b" " + draw.choice(WORDS).encode("utf-8", "replace")[:300]
    else:
        lines[number] = key + sign + value.replace(b"2", draw.choice((b"0", b"-2", b"99999999", b"2.5", b"")))
    return b"\n".join(lines) + tail

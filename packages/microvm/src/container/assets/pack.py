"""Writes a file's data without its holes into another one, and prints as JSON where each piece belongs."""

import json
import os
import sys


def extents(descriptor: int, size: int) -> list[tuple[int, int]]:
    found = []
    at = 0
    while at < size:
        try:
            start = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError:
            break
        at = os.lseek(descriptor, start, os.SEEK_HOLE)
        found.append((start, at - start))
    return found


def main(source: str, target: str) -> None:
    with open(source, "rb") as file, open(target, "wb") as packed:
        pieces = extents(file.fileno(), os.fstat(file.fileno()).st_size)
        for start, length in pieces:
            file.seek(start)
            left = length
            while left > 0:
                data = file.read(min(left, 1024 * 1024))
                packed.write(data)
                left -= len(data)
    print(json.dumps(pieces))


if __name__ == "__main__":
    main(*sys.argv[1:])

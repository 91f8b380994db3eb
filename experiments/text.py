"""A text of the reader's own, in place of the names that the book's language models read.

    make stress CLAIM=37 DROPOUT_TEXT=file.txt
    make replicate TABLE=gal2016 DROPOUT_TEXT=file.txt

The file is cut into pieces as long as the models read. Runs away from this machine are sent this file, so it rests on
nothing else of the book.
"""

import os
from pathlib import Path

LETTERS = 1_000_000  # so many are read


def own():
    """The first million characters of the UTF-8 file that DROPOUT_TEXT names, blanks and ends of lines as one blank;
    "" if it names none. One sentence as a ValueError if it cannot be read."""
    if not os.environ.get("DROPOUT_TEXT"):
        return ""
    path = Path(os.environ["DROPOUT_TEXT"]).expanduser()
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = " ".join(file.read(LETTERS).split())
    except UnicodeDecodeError as error:
        raise ValueError(f"DROPOUT_TEXT: {path} is not UTF-8") from error
    except OSError as error:
        raise ValueError(f"DROPOUT_TEXT: {path} cannot be read") from error
    if not text:
        raise ValueError(f"DROPOUT_TEXT: {path} is empty")
    return text


def pieces(text, length, least):
    """The different pieces of `length` characters, cut one after the other and sorted; ValueError if there are fewer
    than `least`."""
    found = sorted({text[i : i + length] for i in range(0, len(text) - length + 1, length)})
    if len(found) < least:
        raise ValueError(f"DROPOUT_TEXT: {len(found)} different pieces of {length} letters, {least} are needed")
    return found


def put_into(space, text):
    """Let the functions in `space` read a text: those of chapter 7, which have TEXTS, or of replications.py, which have
    names()."""
    if "TEXTS" in space:
        space["TEXTS"] = pieces(text, space["LENGTH"], 2240)
        space["ALPHABET"] = "\n" + "".join(sorted(set("".join(space["TEXTS"]))))
        return

    def names(longest):
        import torch

        texts = pieces(text, longest, 3500)
        letters = "\n" + "".join(sorted(set("".join(texts))))
        return torch.tensor([[0, *map(letters.index, piece), 0] for piece in texts]), len(letters)

    space["names"] = names

"""Names of files as people gave them: kept readable in every script, and harmless in every place they are shown."""

import re
import unicodedata
from urllib.parse import quote

__all__ = ["clean_name", "disposition"]

MOST = 120
"""Characters."""
_JOINERS = "\u200c\u200d"
"""They shape letters of Hindi and other scripts; every other invisible sign goes."""
_NEVER = re.compile(r'[<>:"|?*]')


def clean_name(given: str, extension: str, also: frozenset[str] = frozenset()) -> str:
    """The last part of a path without control characters, with `extension` unless it has that or one of `also`.

    At most 120 characters; a name of which nothing is left is `file`.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given))[-1]
    seen = "".join(char for char in last if char in _JOINERS or unicodedata.category(char)[0] != "C" or char == "\t")
    spaced = re.sub(r"\s+", " ", _NEVER.sub("_", seen)).strip(" .")
    stem, dot, ending = spaced.rpartition(".")
    if not (dot and ending.lower() in {extension, *also}):
        # What it was called stays, unless that is the ending of another kind.
        stem = stem if dot and re.fullmatch(r"[A-Za-z0-9]{1,5}", ending) else spaced
        ending = extension
    stem = stem.strip(" .")
    return f"{stem[: MOST - len(ending) - 1].strip(' .') or 'file'}.{ending}"


def disposition(name: str, *, inline: bool) -> str:
    """The header Content-Disposition (RFC 6266) for a cleaned name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^\w .()\-]", "_", plain, flags=re.ASCII).strip(" .") or "file"
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"

"""How money and sizes are written, in every language alike."""

import re

__all__ = ["inr", "size"]


def inr(paise: int) -> str:
    """Paise as people write rupees: 12345000 is ₹1,23,450. Paise are shown only when there are some."""
    rupees, rest = divmod(abs(paise), 100)
    lakhs, thousand = str(rupees)[:-3], str(rupees)[-3:]
    groups = re.findall(r"\d{1,2}(?=(?:\d\d)*$)", lakhs)
    amount = ",".join([*groups, thousand]) + (f".{rest:02}" if rest else "")
    return f"−₹{amount}" if paise < 0 else f"₹{amount}"


def size(count: int) -> str:
    """Bytes as people read them: 820 B, 14 KB, 2.5 MB."""
    amount, unit = float(count), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.1f}".removesuffix(".0") + f" {unit}" if amount < 10 else f"{amount:.0f} {unit}"

"""A few real files of the cast: papers that they handed to the office. Handing them in twice changes nothing."""

import hashlib
import io
from collections.abc import Sequence

from kaksha.core.db import Database
from kaksha.core.ids import UUID
from kaksha.core.settings import Settings
from kaksha.gateways import storage
from kaksha.gateways.storage import Storage
from kaksha.sandbox import demo_queries
from kaksha.sandbox.cast import InstitutePlan, Member

__all__ = ["hand_in"]

_PAPERS = (
    ("rohan", "Class 10 mark sheet.pdf", "application/pdf"), ("meher", "मेहर - पहचान पत्र.png", "image/png"),
    ("sunita", "Admission form.pdf", "application/pdf"), ("vikram", "Degree certificate.pdf", "application/pdf"),
    ("nandini", "B.Ed. certificate.png", "image/png"), ("asha", "Fire safety certificate.pdf", "application/pdf"),
)  # fmt: skip


async def hand_in(db: Database, settings: Settings, plans: Sequence[InstitutePlan]) -> Sequence[InstitutePlan]:
    """Stores the papers that are missing, and writes their rows after them; answers the plans."""
    store = storage.configure(settings.storage_url, settings.home)
    for plan in plans:
        await _hand_in(db, store, plan)
    return plans


async def _hand_in(db: Database, store: Storage, plan: InstitutePlan) -> None:
    people = {person.key: person for person in plan.people}
    for place, (key, name, media) in enumerate(_PAPERS):
        if key not in people:
            continue
        person, file_id = people[key], UUID(int=plan.id.int & ~0xFFFF | 0xF001 + place)
        async with db.read(plan.id) as conn:
            if await demo_queries.has_file(conn, plan.id, file_id):
                continue
        content = _pdf(person, name) if media == "application/pdf" else _picture()
        await storage.put(store, plan.id, f"files/{file_id}", content, content_type=media)
        async with db.write(plan.id) as tx:
            await demo_queries.plant_file(
                tx.conn, plan.id, file_id, person.id, name, media, len(content), hashlib.sha256(content).digest(),
                tx.now,
            )  # fmt: skip


def _pdf(person: Member, name: str) -> bytes:
    """One page that says whose it is."""
    text = (
        f"{name.removesuffix('.pdf')} - {person.name}".encode("ascii", "replace").replace(b"(", b"").replace(b")", b"")
    )
    shown = b"BT /F1 20 Tf 60 760 Td (" + text + b") Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(shown), shown),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]  # fmt: skip
    out, places = io.BytesIO(b""), list[int]()
    out.write(b"%PDF-1.4\n")
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj%s endobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % at for at in places))
    out.write(b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start)
    return out.getvalue()


def _picture() -> bytes:
    """A card in the colours of the app."""
    from PIL import Image, ImageDraw  # noqa: PLC0415 - only the demo draws

    card = Image.new("RGB", (640, 400), "#e2f1ee")
    drawing = ImageDraw.Draw(card)
    drawing.rounded_rectangle((24, 24, 616, 376), 28, outline="#0b6660", width=6)
    drawing.ellipse((60, 110, 220, 270), fill="#0b6660")
    for top in (120, 170, 220):
        drawing.rounded_rectangle((260, top, 560, top + 26), 13, fill="#9ac7c1")
    out = io.BytesIO()
    card.save(out, "PNG")
    return out.getvalue()

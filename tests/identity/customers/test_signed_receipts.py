"""What a customer takes home: signed, in their language, complete."""

from __future__ import annotations

from identity.consent.qr import qr_svg
from identity.consent.receipts import ReceiptKeys, public_key, verify
from plumbing.problem import Remark
from tests.identity.halves import World


def test_it_says_every_purpose_in_the_language_of_the_notice_and_verifies(world: World) -> None:
    made = world.enrol(1, purposes=("orders", "offers", "destinations"), language="de", pin="2580")

    assert made.signed_receipt is not None
    said = verify(made.signed_receipt, public_key(ReceiptKeys(world.home).public("north")))

    purposes = [record["purposes"][0] for record in said["records"]]
    assert [one["purpose"] for one in purposes] == ["face", "orders", "offers", "destinations"]
    assert purposes[0]["purpose_text"] == "Mich am Gesicht wiedererkennen, wenn ich den Knopf drücke."
    notice = world.service.customers.joining.notices.current("de")
    assert said["privacy_notice"] == {"version": notice.version, "sha256": notice.sha256, "language": "de"}
    assert said["code_ends_in"] == made.receipt[-5:]
    assert made.receipt[:5] not in str(said)
    assert qr_svg(made.signed_receipt).startswith("<svg"), "it fits into a QR code"


def test_a_damaged_key_costs_the_receipt_and_not_the_enrolment(world: World) -> None:
    (world.home / "receipt-key").write_bytes(b"damaged")

    assert world.enrol(1).signed_receipt is None

    said = world.half.check()
    assert isinstance(said, Remark)
    assert "customers get no signed receipt" in said
    assert world.recognise(1).decision == "matched"

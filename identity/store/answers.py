"""SQL of the answers to enrolments that were stored and may not have reached the device yet."""

from __future__ import annotations

from dataclasses import dataclass

from identity.store.schema import Table


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """`asked` and `fingerprint` are keyed hashes of the request; `sealed` opens with the customer's key alone."""

    tenant: str
    asked: str
    customer_id: str
    slot: int
    fingerprint: str
    sealed: bytes


class AnswerStore(Table):
    """Table `enrolment_answers`: a row for some minutes, written with the customer and deleted with them."""

    def add(self, answer: KeptAnswer) -> None:
        """Keep an answer."""
        self.database.change(
            "INSERT INTO enrolment_answers (tenant, asked, customer_id, fingerprint, sealed)"
            " VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (tenant, asked) DO UPDATE SET"
            " customer_id = excluded.customer_id, fingerprint = excluded.fingerprint, sealed = excluded.sealed",
            (answer.tenant, answer.asked, answer.customer_id, answer.fingerprint, answer.sealed),
        )

    def get(self, tenant: str, asked: str) -> KeptAnswer | None:
        """The answer to a request, or None."""
        row = self.database.row(f"{_SELECT} WHERE a.tenant = ? AND a.asked = ?", (tenant, asked))
        return None if row is None else KeptAnswer(*row)

    def all(self) -> list[KeptAnswer]:
        """Every answer of all tenants: those of the last minutes."""
        return [KeptAnswer(*row) for row in self.database.rows(_SELECT)]

    def delete(self, answer: KeptAnswer) -> None:
        """Drop an answer, unless another one took its place meanwhile."""
        self.database.change(
            "DELETE FROM enrolment_answers WHERE tenant = ? AND asked = ? AND customer_id = ?",
            (answer.tenant, answer.asked, answer.customer_id),
        )


_SELECT = (
    "SELECT a.tenant, a.asked, a.customer_id, c.slot, a.fingerprint, a.sealed FROM enrolment_answers a"
    " JOIN customers c ON c.tenant = a.tenant AND c.customer_id = a.customer_id"
)

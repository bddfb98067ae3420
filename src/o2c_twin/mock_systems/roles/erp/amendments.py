"""What may be done to an ERP's documents after they were entered: corrected, closed, unapplied, deleted."""

from collections.abc import Mapping, Sequence

from o2c_twin.mock_systems.roles.erp import rules
from o2c_twin.mock_systems.roles.erp.entities import assigned
from o2c_twin.mock_systems.roles.erp.records import (
    Application,
    CreditMemo,
    Customer,
    Delivery,
    Invoice,
    Payment,
    SalesOrder,
)
from o2c_twin.mock_systems.roles.erp.stock import Stock
from o2c_twin.mock_systems.roles.records import RuleError

Named = Customer | SalesOrder | Delivery | Invoice | CreditMemo | Payment
"""The records that may carry an external id."""


class Amendments(Stock):
    """The part of an ERP core that changes what is entered already; `ErpCore` completes it."""

    def _table(self, kind: str) -> Mapping[str, Named]:
        tables: dict[str, Mapping[str, Named]] = {
            "customer": self.state.customers,
            "order": self.state.orders,
            "delivery": self.state.deliveries,
            "invoice": self.state.invoices,
            "credit_memo": self.state.credit_memos,
            "payment": self.state.payments,
        }
        return tables[kind]

    def set_external_id(self, kind: str, id_: str, external_id: str) -> None:
        """Give a record the key another system knows it by. Raises `RuleError` when another record has it."""
        record = self._table(kind).get(id_)
        if record is None:
            raise RuleError(f"unknown-{kind}", f"no {kind} {id_}", "id")
        if record.external_id == external_id:
            return
        self._refuse_known_external_id(kind, external_id)
        if record.external_id is not None:
            del self._ext[kind, record.external_id]
        record.external_id = external_id
        record.modified_at = self._now()
        self._claim_external_id(kind, external_id, id_)
        self._changed(kind, id_, "updated", record.modified_at)

    def record_tracking(self, delivery_id: str, tracking: str) -> Delivery:
        """Note the carrier's tracking number on a goods issue."""
        delivery = self.state.deliveries.get(delivery_id)
        if delivery is None:
            raise RuleError("unknown-delivery", f"no delivery {delivery_id}", "id")
        delivery.tracking = tracking
        delivery.modified_at = self._now()
        self._changed("delivery", delivery_id, "updated", delivery.modified_at)
        return delivery

    def assign_customer(self, customer_id: str, entity: str) -> Customer:
        """Let a further legal entity sell to a customer. Raises `RuleError` for one there is not."""
        customer = self._customer(customer_id)
        if assigned(customer, self.entities.known(entity)):
            return customer
        customer.further_entities = (*customer.further_entities, entity)
        customer.modified_at = self._now()
        self._changed("customer", customer_id, "updated", customer.modified_at)
        return customer

    def bill_again(self, invoice_id: str, entity: str) -> Invoice:
        """Bill what an invoice billed once more, by the legal entity that really sold it, due from today.

        Raises `RuleError` unless the invoice is wholly credited and the customer assigned to that entity.
        """
        wrong = self._invoice(invoice_id)
        customer, order = self._customer(wrong.customer_id), self._order(wrong.order_id)
        entity = self.entities.of(customer, self.entities.known(entity)) or entity
        if wrong.credited_minor != wrong.total_minor:
            raise RuleError("not-credited", f"invoice {wrong.number} is not wholly credited", "id")
        now, id_, total = self._now(), self._new_id("invoice"), wrong.total_minor
        invoice = Invoice(
            id_,
            self._new_number("invoice", "INV", id_, entity),
            order.id,
            customer.id,
            wrong.currency,
            wrong.lines,
            total,
            total,
            now,
            rules.due_at(now, customer.terms_days),
            now,
            po_number=wrong.po_number,
            delivery_ids=list(wrong.delivery_ids),
            exchange_rate=self.exchange(wrong.currency, now),
            entity=entity,
            replaces=invoice_id,
            early=self.early_payment_of(customer.terms_days),
        )
        for delivery_id in wrong.delivery_ids:
            self.state.deliveries[delivery_id].invoice_id = id_
        customer.balance_minor += total
        self.state.invoices[id_] = invoice
        self.by_number[invoice.number] = id_
        self.invoices_of.setdefault(order.id, []).append(id_)
        if total:
            self.open_invoices.setdefault(customer.id, {})[id_] = invoice
        self._post_document(now, invoice, invoice.currency, "receivables", "revenue", total)
        self._changed("invoice", id_, "created", now)
        self._touch_order(order)
        return invoice

    def set_invoice_po(self, invoice_id: str, po_number: str) -> Invoice:
        """Correct the customer's order number on an invoice; its amounts are not touched."""
        invoice = self._invoice(invoice_id)
        invoice.po_number = po_number
        invoice.modified_at = self._now()
        self._changed("invoice", invoice_id, "updated", invoice.modified_at)
        return invoice

    def close_lines(self, order_id: str, lines: Sequence[int]) -> SalesOrder:
        """Give up what has not shipped of these lines: its reservation and exposure are freed.

        Raises `RuleError` on an unknown line or a cancelled order; closing a closed line changes nothing.
        """
        order = self._order(order_id)
        if order.cancelled:
            raise RuleError("order-cancelled", f"order {order.number} is cancelled")
        by_number = {line.line: line for line in order.lines}
        for number in lines:
            if number not in by_number:
                raise RuleError("unknown-line", f"order {order.number} has no line {number}", "line")
        customer = self._customer(order.customer_id)
        for number in lines:
            line = by_number[number]
            if line.closed:
                continue
            customer.open_orders_minor -= (line.quantity - line.shipped) * line.unit_price_minor
            self.state.items[line.item_id].committed -= line.committed
            line.committed = 0
            line.closed = True
        self._touch_order(order)
        for number in lines:
            self._serve(by_number[number].item_id)
        self.recheck_credit(order.customer_id)
        return order

    def delete_order(self, order_id: str) -> None:
        """Remove an order nothing has happened to; its number is not used again.

        Raises `RuleError` once something has shipped.
        """
        order = self._order(order_id)
        if any(line.shipped for line in order.lines):
            raise RuleError("has-dependents", f"order {order.number} has deliveries")
        if not order.cancelled:
            self._customer(order.customer_id).open_orders_minor -= rules.unshipped_value_minor(order)
        for line in order.lines:
            self.state.items[line.item_id].committed -= line.committed
            if line.item_id in self._waiting:
                self._waiting[line.item_id].pop(order_id, None)
        self._held.get(order.customer_id, {}).pop(order_id, None)
        self.orders_of[order.customer_id].remove(order_id)
        if order.po_number is not None:
            self.orders_by_po[order.po_number].remove(order_id)
        if order.external_id is not None:
            del self._ext["order", order.external_id]
        del self.by_number[order.number]
        del self.state.orders[order_id]
        self._changed("order", order_id, "deleted", self._now())
        for line in order.lines:
            self._serve(line.item_id)
        self.recheck_credit(order.customer_id)

    def delete_customer(self, customer_id: str) -> None:
        """Remove a customer without documents. Raises `RuleError` when there are any."""
        customer = self._customer(customer_id)
        if self.orders_of.get(customer_id) or any(p.customer_id == customer_id for p in self.state.payments.values()):
            raise RuleError("has-dependents", f"customer {customer.number} has documents")
        if customer.external_id is not None:
            del self._ext["customer", customer.external_id]
        del self.state.customers[customer_id]
        self._changed("customer", customer_id, "deleted", self._now())

    def delete_invoice(self, invoice_id: str) -> None:
        """Remove an invoice nothing was set against: what it billed is to be billed again, under another number.

        Raises `RuleError` once something was paid or credited.
        """
        invoice = self._invoice(invoice_id)
        if invoice.open_minor != invoice.total_minor or invoice.credited_minor:
            raise RuleError("has-dependents", f"invoice {invoice.number} has payments or credits")
        now, order, customer = self._now(), self._order(invoice.order_id), self._customer(invoice.customer_id)
        billed = {line.line: line.quantity for line in invoice.lines}
        for line in order.lines:
            line.billed -= billed.get(line.line, 0)
        for delivery_id in invoice.delivery_ids:
            self.state.deliveries[delivery_id].invoice_id = None
        self._unbilled[order.id] = sorted({*self._unbilled.get(order.id, []), *invoice.delivery_ids}, key=int)
        customer.unbilled_minor += invoice.total_minor
        customer.balance_minor -= invoice.total_minor
        self.open_invoices.get(customer.id, {}).pop(invoice_id, None)
        self.invoices_of[order.id].remove(invoice_id)
        if invoice.external_id is not None:
            del self._ext["invoice", invoice.external_id]
        del self.by_number[invoice.number]
        del self.state.invoices[invoice_id]
        self._post_document(now, invoice, invoice.currency, "receivables", "revenue", -invoice.total_minor)
        self._changed("invoice", invoice_id, "deleted", now)
        order.modified_at = now
        self._changed("order", order.id, "updated", now)

    def delete_payment(self, payment_id: str) -> None:
        """Remove a receipt: what it paid is open again. Raises `RuleError` for one that is not there."""
        payment = self.state.payments.get(payment_id)
        if payment is None:
            raise RuleError("unknown-payment", f"no payment {payment_id}", "id")
        applied: dict[str, int] = {}
        for each in self.state.applications:
            if each.source_kind == "payment" and each.source_id == payment_id:
                applied[each.invoice_id] = applied.get(each.invoice_id, 0) + each.amount_minor
        for invoice_id, amount in applied.items():
            if amount:
                self.unapply_payment(payment_id, invoice_id, amount)
        now = self._now()
        self._customer(payment.customer_id).unapplied_minor -= payment.amount_minor
        if payment.external_id is not None:
            del self._ext["payment", payment.external_id]
        if payment.reference is not None and self.payments_by_reference.get(payment.reference) == payment_id:
            del self.payments_by_reference[payment.reference]
        del self.state.payments[payment_id]
        self._post_document(now, payment, payment.currency, payment.account, "unapplied cash", -payment.amount_minor)
        self._changed("payment", payment_id, "deleted", now)
        self.recheck_credit(payment.customer_id)

    def unapply_payment(
        self, payment_id: str, invoice_id: str, amount_minor: int, *, channel: str = "manual"
    ) -> Payment:
        """Take back an amount a payment was applied with: it is on account again, the invoice open again.

        It is kept as an application of the negative amount. Raises `RuleError` above what is applied.
        """
        payment = self.state.payments.get(payment_id)
        if payment is None:
            raise RuleError("unknown-payment", f"no payment {payment_id}", "id")
        invoice = self._invoice(invoice_id)
        applied = sum(
            a.amount_minor
            for a in self.state.applications
            if a.source_id == payment_id and a.invoice_id == invoice_id and a.source_kind == "payment"
        )
        if amount_minor <= 0 or amount_minor > applied:
            raise RuleError("over-application", f"{amount_minor} to unapply, {applied} applied", "amount")
        now = self._now()
        customer = self._customer(payment.customer_id)
        payment.unapplied_minor += amount_minor
        invoice.open_minor += amount_minor
        invoice.modified_at = payment.modified_at = now
        customer.balance_minor += amount_minor
        customer.unapplied_minor += amount_minor
        open_invoices = {**self.open_invoices.get(customer.id, {}), invoice.id: invoice}
        self.open_invoices[customer.id] = {id_: open_invoices[id_] for id_ in sorted(open_invoices, key=int)}
        self.state.applications.append(Application("payment", payment_id, invoice_id, -amount_minor, now, channel))
        self._post_application(now, payment, invoice, -amount_minor)
        self._changed("invoice", invoice_id, "updated", now)
        self._changed("payment", payment_id, "updated", now)
        return payment

"""The tables of a run record: every column with its type, unit and meaning.

Conventions, which every table keeps:

* instants end in ``_at`` and are UTC with microseconds;
* money ends in ``_minor``: signed integer minor units of the column ``currency`` of the same row;
* an identifier ends in ``_id``; ``deal_id`` and ``customer_id`` are the truth's own names, so one
  deal keeps its name through every system, duplicates and typing errors included;
* a column that may be empty says so.
"""

from dataclasses import dataclass
from typing import Literal

SCHEMA_VERSION = 2

ColumnType = Literal["text", "integer", "boolean", "instant", "money"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``nullable`` columns may hold nothing; ``meaning`` says what and in which unit."""

    name: str
    type: ColumnType
    meaning: str
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One Parquet file of the record: ``name`` is the file's stem."""

    name: str
    meaning: str
    columns: tuple[Column, ...]


def _c(name: str, type: ColumnType, meaning: str, nullable: bool = False) -> Column:
    return Column(name, type, meaning, nullable)


_CURRENCY = _c("currency", "text", "ISO 4217 code of the row's money")

_SERVING = _c("entity", "text", "the legal entity that serves the customer; empty in a company of one", nullable=True)
_BOOKING = _c("entity", "text", "the legal entity that booked it; empty in a company of one", nullable=True)

TABLES: tuple[Table, ...] = (
    Table(
        "customers",
        "Who buys: one row a real customer (not a row a master record in some system).",
        (
            _c("customer_id", "text", "the truth's name of the customer"),
            _c("name", "text", "legal name"),
            _c("payer_class", "text", "payment behaviour drawn for this customer"),
            _c("terms_days", "integer", "agreed days net"),
            _c("credit_limit_minor", "money", "agreed credit limit"),
            _CURRENCY,
            _SERVING,
        ),
    ),
    Table(
        "deals",
        "What customers really ordered: one row a won deal.",
        (
            _c("deal_id", "text", "the truth's name of the deal"),
            _c("customer_id", "text", "who bought"),
            _c("won_at", "instant", "when sales recorded the win"),
            _c("amount_minor", "money", "agreed value without tax"),
            _CURRENCY,
            _c("lines", "integer", "number of order lines"),
        ),
    ),
    Table(
        "orders",
        "Sales orders as the ERP holds them at the end of the run.",
        (
            _c("order_id", "text", "the ERP's order number"),
            _c("deal_id", "text", "the deal it was entered for", nullable=True),
            _c("customer_id", "text", "the customer of that deal", nullable=True),
            _c("entered_at", "instant", "when the ERP committed it"),
            _c("amount_minor", "money", "value as entered"),
            _CURRENCY,
            _c("channel", "text", "'manual' keyed by a person, 'sync' written by the engine"),
            _c("duplicate", "boolean", "another order for the same deal came before it"),
            _c("entry_error", "text", "what was typed wrong: price, quantity; empty when right", nullable=True),
            _BOOKING,
        ),
    ),
    Table(
        "deliveries",
        "Goods issues: one row a delivery that left the warehouse.",
        (
            _c("delivery_id", "text", "the ERP's delivery number"),
            _c("order_id", "text", "the order it fulfils"),
            _c("deal_id", "text", "the deal behind the order", nullable=True),
            _c("issued_at", "instant", "goods issue: when the goods really left"),
            _c("amount_minor", "money", "value of the goods at the agreed price (truth)"),
            _CURRENCY,
        ),
    ),
    Table(
        "invoices",
        "Posted invoices, and what takes of them, in positive amounts: credit memos, write-offs, discounts.",
        (
            _c("document_id", "text", "the ERP's document number"),
            _c("kind", "text", "'invoice', 'credit_memo', 'write_off' (a cost) or 'discount' (earned by paying early)"),
            _c("order_id", "text", "the order billed", nullable=True),
            _c("deal_id", "text", "the deal behind the order", nullable=True),
            _c("delivery_id", "text", "the delivery billed", nullable=True),
            _c("customer_id", "text", "who owes", nullable=True),
            _c("issued_at", "instant", "document date and time"),
            _c("due_at", "instant", "due date, frozen when issued"),
            _c("amount_minor", "money", "gross amount, positive"),
            _CURRENCY,
            _c("corrects", "text", "a credit memo's or write-off's invoice, or the one this replaces", nullable=True),
            _c("reason", "text", "why it was corrected: price, quantity, duplicate, entity, currency", nullable=True),
            _BOOKING,
            _c("tax_code", "text", "the tax code of that legal entity; empty as that is", nullable=True),
        ),
    ),
    Table(
        "receipts",
        "Money that really arrived in the company's bank account.",
        (
            _c("receipt_id", "text", "the bank's entry reference"),
            _c("customer_id", "text", "who really paid"),
            _c("value_at", "instant", "bank value date"),
            _c("amount_minor", "money", "amount credited"),
            _CURRENCY,
        ),
    ),
    Table(
        "applications",
        "Cash and credits applied to open invoices in the ERP's receivables ledger.",
        (
            _c("source_id", "text", "the receipt, credit memo or write-off that was applied"),
            _c("source_kind", "text", "'receipt', 'credit_memo', 'write_off' or 'discount'"),
            _c("document_id", "text", "the invoice it was applied to"),
            _c("applied_at", "instant", "when it was posted"),
            _c("amount_minor", "money", "amount applied, positive"),
            _CURRENCY,
            _c("channel", "text", "'manual' posted by a person, 'sync' posted by the engine"),
        ),
    ),
    Table(
        "disputes",
        "Invoices a customer refused to pay as billed.",
        (
            _c("dispute_id", "text", "name of the dispute"),
            _c("document_id", "text", "the disputed invoice"),
            _c("opened_at", "instant", "when the customer complained"),
            _c("resolved_at", "instant", "when it was settled; empty while open", nullable=True),
            _c("reason", "text", "price, quantity, duplicate, entity (billed by the wrong one), currency (too much)"),
            _c("amount_minor", "money", "amount in dispute"),
            _CURRENCY,
        ),
    ),
    Table(
        "exchange_rates",
        "What other currencies were worth in that of the books (the manifest's); empty where all money is in it.",
        (
            _c("currency", "text", "ISO 4217 code of the other currency"),
            _c("day_at", "instant", "midnight of the day; the rate holds until there is a later one"),
            _c("rate", "text", "units of the books' currency for one unit, a decimal number"),
        ),
    ),
    Table(
        "work",
        "What people did by hand: one row a task.",
        (
            _c("role", "text", "whose desk: order_entry, billing, receivables, credit, warehouse, support"),
            _c("task", "text", "what was done"),
            _c("object_id", "text", "the deal, order, delivery, invoice or receipt it was done for"),
            _c("queued_at", "instant", "when the task reached the desk"),
            _c("started_at", "instant", "when somebody began"),
            _c("finished_at", "instant", "when it was done"),
            _c("touch_s", "integer", "seconds of a person's time"),
        ),
    ),
    Table(
        "sync",
        "One row a change that one system had to learn from another, by engine or by hand.",
        (
            _c("flow", "text", "order, customer, delivery, invoice, payment, credit, cash"),
            _c("object_id", "text", "what changed"),
            _c("source", "text", "system where it changed"),
            _c("target", "text", "system that had to learn it"),
            _c("source_at", "instant", "commit in the source"),
            _c("target_at", "instant", "commit in the target; empty when it never arrived", nullable=True),
        ),
    ),
    Table(
        "api_calls",
        "Every call a mock answered, refused or lost.",
        (
            _c("at", "instant", "when the call reached the system"),
            _c("system", "text", "system's name in the estate"),
            _c("operation", "text", "name in the vendor's route table, or 'not modelled'"),
            _c("caller", "text", "authenticated user or app; empty when not authenticated", nullable=True),
            _c("status", "integer", "HTTP status; 0 when no answer was sent"),
            _c("throttled", "boolean", "refused by a limit policy"),
            _c("fault", "text", "name of the injected fault, if any", nullable=True),
            _c("duration_us", "integer", "virtual microseconds from arrival to answer"),
        ),
    ),
    Table(
        "cases",
        "Dead letters and exceptions of the engine: work that waits for, or was settled by, a person.",
        (
            _c("case_id", "text", "name of the case"),
            _c("flow", "text", "flow that gave up"),
            _c("object_id", "text", "business key"),
            _c("opened_at", "instant", "when the engine gave up"),
            _c("closed_at", "instant", "when it was settled; empty while open", nullable=True),
            _c("reason", "text", "cause in one line"),
        ),
    ),
    Table(
        "violations",
        "Invariants that did not hold at the end of the run.",
        (
            _c("invariant", "text", "name of the invariant"),
            _c("key", "text", "business key it was broken for"),
            _c("detail", "text", "what was expected and what was found"),
        ),
    ),
    Table(
        "events",
        "The business's own diary, in order: one row a thing that happened to a business object.",
        (
            _c("seq", "integer", "position in the diary, from 1"),
            _c("at", "instant", "when"),
            _c("actor", "text", "person, system or engine flow"),
            _c("activity", "text", "what happened, e.g. 'order entered'"),
            _c("object_type", "text", "deal, order, delivery, invoice, credit_memo, receipt, customer, case"),
            _c("object_id", "text", "which one"),
            _c("deal_id", "text", "the deal it belongs to", nullable=True),
            _c("detail", "text", "canonical JSON with the rest", nullable=True),
        ),
    ),
)

TABLE_BY_NAME: dict[str, Table] = {table.name: table for table in TABLES}

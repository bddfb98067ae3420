"""What differs between the roles when a dialect is begun: the core, the record that can be read first, its seed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """One business core as the templates speak of it. The last fields are Python text that goes into files.

    ``table`` is where the core keeps the record that is read first, ``fields`` what the answer shows of it,
    ``seed`` the lines of a test that make one and leave its id in ``record_id``.
    """

    name: str
    family: str
    core: str
    new_core: str
    resource: str
    record: str
    table: str
    fields: tuple[tuple[str, str], ...]
    seed: tuple[str, ...]
    connector: str


ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        Role(
            "crm",
            "crm",
            "CrmCore",
            'CrmCore(world.clock.now, lambda kind, number: f"{kind}-{number}")',
            "deals",
            "deal",
            "opportunities",
            (("name", "found.name"), ("stage", "found.stage"), ("amountMinor", "found.amount_minor")),
            (
                'values = {"name": "Deal", "stage": "Prospecting", "close_date": "2026-01-31"}',
                'record_id = dialect.core.create("opportunity", values).id',
            ),
            "Crm",
        ),
        Role(
            "erp",
            "erp",
            "ErpCore",
            "ErpCore(world.clock.now)",
            "orders",
            "order",
            "orders",
            (("number", "found.number"), ("customerId", "found.customer_id"), ("credit", "found.credit")),
            (
                'item = dialect.core.add_item("WIDGET", "Widget", 1_999, 1_000, "EUR", 10)',
                'customer = dialect.core.add_customer("Acme", "EUR")',
                "record_id = dialect.core.enter_order(customer.id, [(item.id, 2, 1_999)]).id",
            ),
            "Erp",
        ),
        Role(
            "bank",
            "bank",
            "BankCore",
            "BankCore(world.clock.now)",
            "accounts",
            "account",
            "accounts",
            (("iban", "found.iban"), ("currency", "found.currency"), ("balanceMinor", "found.balance_minor")),
            ('record_id = dialect.core.open_account("DE40500105179000000042", "EUR", "The company").id',),
            "Bank",
        ),
        Role(
            "billing",
            "payments",
            "BillingCore",
            "BillingCore(world.clock.now)",
            "customers",
            "customer",
            "customers",
            (("name", "found.name"), ("balanceMinor", "found.balance_minor")),
            ('record_id = dialect.core.add_customer(name="Acme").id',),
            "Payments",
        ),
        Role(
            "direct_debit",
            "payments",
            "DirectDebitCore",
            "DirectDebitCore(world.clock.now)",
            "customers",
            "customer",
            "customers",
            (("name", 'found.details.get("company_name")'), ("createdAt", "found.created_at")),
            ('record_id = dialect.core.add_customer({"company_name": "Acme"}).id',),
            "Payments",
        ),
    )
}

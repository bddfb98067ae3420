"""What the catalogue cannot read off a dialect: how the vendor writes its name, and the real client that was tried.

A system without a row here is listed under the name its dialect gives it, and as tried with no client.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownAs:
    """How a system is known, and by which unmodified client its mock is held in the tests.

    ``client`` is the package's name and version, empty when there is none; ``note`` says why, or what it leaves out.
    """

    vendor: str
    client: str = ""
    note: str = ""


_KNOWN: dict[str, KnownAs] = {
    "bank_files": KnownAs("Bank files (MT940, BAI2, OFX)", "mt-940 5.1.1, bai2 0.15.0", "and ofxtools where installed"),
    "bank_iso20022": KnownAs("Bank feed (ISO 20022)", "bankstatementparser 0.0.29", "reader of camt.053"),
    "business_central": KnownAs(
        "Microsoft Dynamics 365 Business Central", "pybusinesscentral 3.10.0", "knows no orders, shipments, payments"
    ),
    "gocardless": KnownAs("GoCardless", "gocardless_pro 3.22.0"),
    "hubspot": KnownAs("HubSpot", "hubspot-api-client 12.0.0"),
    "legacy_erp": KnownAs(
        "Legacy ERP (generic, on premises)", "", "no HTTP: files, staging tables and queues, with real database drivers"
    ),
    "netsuite": KnownAs("Oracle NetSuite", "netsuite 0.12.0"),
    "s4hana": KnownAs("SAP S/4HANA", "pyodata 1.12.1", "OData V2 services"),
    "salesforce": KnownAs("Salesforce", "simple-salesforce 1.12.10"),
    "stripe": KnownAs("Stripe", "stripe 16.1.0"),
}


def known(name: str, vendor: str) -> KnownAs:
    """The row of a system, or one that says that there is none."""
    return _KNOWN.get(name) or KnownAs(vendor, "", "no real client tried yet")


def listed() -> tuple[str, ...]:
    """The names that have a row."""
    return tuple(_KNOWN)

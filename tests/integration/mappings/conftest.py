"""The shipped maps, read once; and a small estate of two systems, a shop and its books, to write maps for."""

import pytest

from o2c_twin.integration.mappings import load_maps, shipped_maps

SCHEMAS = {
    "schemas/shop.yaml": """\
system: shop
objects:
  Sale:
    id: {type: text!, access: read}
    buyer: text
    buyer_group: text
    country: {type: text, choices: [Germany, France]}
    price: number!
    quantity: number
    currency: currency!
    sold_at: iso-instant!
    paid: flag
    secret: {type: text, access: write}
    lines: {list: SaleLine!}
    address: {object: Address}
  SaleLine: {sku: text!, price: number!, quantity: number!}
  Address: {city: text}
""",
    "schemas/books.yaml": """\
system: books
objects:
  Entry:
    number: {type: text!, access: read}
    text: text!
    amount: minor
    group_amount: minor
    country: {type: text, choices: [DE, FR]}
    booked_on: date
    quantity: whole
    paid: flag
    price_list: text
    tax_code: text
    document_number: text
    lines: {list: EntryLine}
    payer: {object: Payer}
  EntryLine: {item: text!, amount: minor!}
  Payer: {name: text!, city: text}
""",
}
CODES = {"codes/countries.yaml": "codes: countries\ntitle: t\npairs: {Germany: DE, France: FR}\n"}
HEAD = """\
map: sale-to-entry
version: 1
source: shop.Sale
target: books.Entry
owner: finance
since: 2026-01-05
"""
EXAMPLE = """\
examples:
  - in: {id: a, price: 1, currency: EUR, sold_at: '2026-01-05T00:00:00Z', lines: []}
    out: {text: a}
"""


def _build(fields, head="", examples=EXAMPLE, more=(), codes=CODES, schemas=SCHEMAS, version=1):
    """The maps of an estate with one map of these fields. Line 7 is the first after the fixed head."""
    text = HEAD.replace("version: 1", f"version: {version}") + head + "fields:\n" + fields + examples
    texts = (text, *more)
    return load_maps({f"maps/{n}.yaml": each for n, each in enumerate(texts, 1)}, codes, schemas)


@pytest.fixture(scope="session")
def maps():
    """The shipped maps."""
    return shipped_maps()


@pytest.fixture(scope="session")
def build():
    """Make the maps of the small estate: `build(fields, head, examples, more, codes, schemas)`. Raises MappingError."""
    return _build

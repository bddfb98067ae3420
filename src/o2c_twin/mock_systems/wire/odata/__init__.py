"""The OData URL language and the ``$batch`` codec, versions 2 and 4; vendor-free.

Everything takes a ``version`` (``2`` or ``4``) and raises `ODataError` (message, position in the text, the
option's name), which a dialect words as its vendor does. Texts are percent-decoded already, as ``Request.query``
and ``Request.path`` are.

- ``parse_filter(text, version) -> Predicate``: callable over a row (a mapping of property to value; a navigation
  path ``a/b`` reads ``row["a"]["b"]``). Values of a row are ``str``, ``int``, ``Decimal``, ``bool``, ``None``,
  ``date``, ``datetime`` (aware), ``time``, ``timedelta`` or ``UUID`` (a guid may also be its text). A property that
  a row lacks is null: check ``predicate.names`` against the entity's properties before. ``predicate.equals`` and
  ``predicate.lower_bounds`` say what every matching row has, so that a dialect can look up instead of scanning.
  Comparing values of different kinds raises `ODataError` when the row is met.
- ``Filters(version, capacity)`` is the cache a dialect keeps: ``filters(text) -> Predicate``; texts that differ in
  their literals only share one reading.
- ``parse_query(query, version, filters=None) -> ODataQuery``: typed ``$filter $select $orderby $top $skip
  $expand $count/$inlinecount $search $skiptoken $format``; parameters without ``$`` are the vendor's own and
  left alone. ``$expand`` is a tree in both versions: ``Expand(name, query)``, where the V2 paths of ``$expand``
  and ``$select`` are distributed over it. ``Queries(version, capacity)`` is the cache a dialect keeps of them
  (``queries(request.query)``), its ``Filters`` included. ``in_order(rows, query.orderby)`` sorts rows.
- ``parse_key(text, version) -> EntityKey``: a path segment such as ``Orders``, ``Orders('x')``,
  ``Orders(A='1',B=2)``, ``Orders(<guid>)``; ``key.values`` is None without parentheses and ``{"": value}`` for
  an unnamed key; ``key.under(("A", "B"))`` gives the values by the entity's key properties or raises.
  ``split_path(path)`` splits a path into such segments, a slash in a quoted key notwithstanding.
- ``split_batch(content_type, body) -> tuple[BatchRequest | ChangeSet, ...]`` and
  ``join_batch(content_type, replies, boundary) -> (content type, body)``: multipart/mixed and, for a content type
  of JSON, the V4 JSON batch. ``content_type`` is that of the request in both.
"""

from o2c_twin.mock_systems.wire.odata.batch import (
    BatchReply,
    BatchRequest,
    ChangeSet,
    ChangeSetReply,
    join_batch,
    split_batch,
)
from o2c_twin.mock_systems.wire.odata.errors import ODataError, Version
from o2c_twin.mock_systems.wire.odata.keys import EntityKey, parse_key, split_path
from o2c_twin.mock_systems.wire.odata.predicates import Filters, Predicate, Row, parse_filter
from o2c_twin.mock_systems.wire.odata.query import Expand, ODataQuery, Order, Queries, in_order, parse_query

__all__ = [
    "BatchReply",
    "BatchRequest",
    "ChangeSet",
    "ChangeSetReply",
    "EntityKey",
    "Expand",
    "Filters",
    "ODataError",
    "ODataQuery",
    "Order",
    "Predicate",
    "Queries",
    "Row",
    "Version",
    "in_order",
    "join_batch",
    "parse_filter",
    "parse_key",
    "parse_query",
    "split_batch",
    "split_path",
]

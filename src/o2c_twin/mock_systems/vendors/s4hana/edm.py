"""The entity data model as data: services, entity types, their fields; and the EDMX a client reads it from.

Source: SAP Gateway metadata documents (CSDL 2.0); field names and types of SAP's generated entity packages.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal
from xml.sax.saxutils import quoteattr

Edm = Literal["String", "DateTime", "DateTimeOffset", "Decimal", "Boolean", "Time"]
_CODES: dict[str, Edm] = {"": "String", "d": "DateTime", "o": "DateTimeOffset", "n": "Decimal", "b": "Boolean"}
_CODES["t"] = "Time"
_FACETS: dict[Edm, str] = {
    "String": "",
    "DateTime": ' Precision="0" sap:display-format="Date"',
    "DateTimeOffset": ' Precision="7"',
    "Decimal": ' Precision="16" Scale="3"',
    "Boolean": "",
    "Time": ' Precision="0"',
}


@dataclass(frozen=True, slots=True)
class Nav:
    """A navigation property to the records of ``target`` (``many``) or to one."""

    target: str
    many: bool = True


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity set. ``writable`` fields may be sent; ``tagged`` ones have an ETag."""

    name: str
    keys: tuple[str, ...]
    fields: dict[str, Edm]
    navs: dict[str, Nav] = field(default_factory=dict)
    tagged: bool = False

    @property
    def type_name(self) -> str:
        """The entity type's name: that of the set with Type."""
        return f"{self.name}Type"


@dataclass(frozen=True, slots=True)
class Function:
    """A function import; ``returns`` is a complex type, ``many`` a collection of it; parameters are strings."""

    name: str
    method: str
    returns: str
    many: bool
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """One OData V2 service."""

    name: str
    entities: dict[str, Entity]
    functions: tuple[Function, ...] = ()
    complex_types: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """Its path."""
        return f"/sap/opu/odata/sap/{self.name}"


def entity(name: str, keys: str, fields: str, navs: Iterable[str] = (), tagged: bool = False) -> Entity:
    """Declare an entity set: ``fields`` are names with a code of their type (``CreationDate:d``), ``navs`` are
    ``name>Set`` for many and ``name-Set`` for one."""
    types: dict[str, Edm] = dict.fromkeys(keys.split(), "String")
    for word in fields.split():
        each, _, code = word.partition(":")
        types[each] = _CODES[code]
    found: dict[str, Nav] = {}
    for nav in navs:
        many = ">" in nav
        own, _, target = nav.partition(">" if many else "-")
        found[own] = Nav(target, many)
    return Entity(name, tuple(keys.split()), types, found, tagged)


def service(name: str, *entities: Entity, functions: Iterable[Function] = (), **complex_types: str) -> Service:
    """Declare a service; complex types by name with the names of their string fields."""
    types = {each: tuple(fields.split()) for each, fields in complex_types.items()}
    return Service(name, {each.name: each for each in entities}, tuple(functions), types)


def edmx(described: Service) -> bytes:
    """The ``$metadata`` document."""
    name = described.name
    out = [
        '<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="1.0" '
        'xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx" '
        'xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata" '
        'xmlns:sap="http://www.sap.com/Protocols/SAPData"><edmx:DataServices m:DataServiceVersion="2.0">'
        f'<Schema Namespace="{name}" xml:lang="en" sap:schema-version="1" '
        'xmlns="http://schemas.microsoft.com/ado/2008/09/edm">'
    ]
    associations: list[tuple[str, Entity, Nav]] = []
    for each in described.entities.values():
        out.append(f'<EntityType Name="{each.type_name}" sap:content-version="1"><Key>')
        out += [f'<PropertyRef Name="{key}"/>' for key in each.keys]
        out.append("</Key>")
        for own, edm in each.fields.items():
            null = ' Nullable="false"' if own in each.keys else ""
            mode = ' ConcurrencyMode="Fixed"' if each.tagged and edm == "DateTimeOffset" else ""
            out.append(f'<Property Name="{own}" Type="Edm.{edm}"{null}{_FACETS[edm]}{mode}/>')
        for own, nav in each.navs.items():
            known = f"assoc_{each.name}_{own}"
            associations.append((known, each, nav))
            relation = quoteattr(f"{name}.{known}")
            out.append(
                f'<NavigationProperty Name="{own}" Relationship={relation} '
                f'FromRole="From_{known}" ToRole="To_{known}"/>'
            )
        out.append("</EntityType>")
    for type_name, fields in described.complex_types.items():
        out.append(f'<ComplexType Name="{type_name}">')
        boolean = type_name == "FunctionResult"
        out += [f'<Property Name="{own}" Type="Edm.{"Boolean" if boolean else "String"}"/>' for own in fields]
        out.append("</ComplexType>")
    for known, each, nav in associations:
        target = described.entities[nav.target]
        out.append(
            f'<Association Name="{known}"><End Type="{name}.{each.type_name}" Multiplicity="1" '
            f'Role="From_{known}"/><End Type="{name}.{target.type_name}" Multiplicity="{"*" if nav.many else "0..1"}" '
            f'Role="To_{known}"/></Association>'
        )
    out.append(f'<EntityContainer Name="{name}_Entities" m:IsDefaultEntityContainer="true">')
    out += [
        f'<EntitySet Name="{each.name}" EntityType="{name}.{each.type_name}"/>' for each in described.entities.values()
    ]
    out += [
        f'<AssociationSet Name="{known}_set" Association="{name}.{known}"><End EntitySet="{each.name}" '
        f'Role="From_{known}"/><End EntitySet="{nav.target}" Role="To_{known}"/></AssociationSet>'
        for known, each, nav in associations
    ]
    for function in described.functions:
        kind = f"{name}.{function.returns}"
        returned = f"Collection({kind})" if function.many else kind
        out.append(f'<FunctionImport Name="{function.name}" ReturnType="{returned}" m:HttpMethod="{function.method}">')
        out += [f'<Parameter Name="{own}" Type="Edm.String" Mode="In"/>' for own in function.parameters]
        out.append("</FunctionImport>")
    out.append("</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>")
    return "".join(out).encode()

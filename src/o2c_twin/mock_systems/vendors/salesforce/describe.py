"""What the describe calls tell of the data model."""

from o2c_twin.mock_systems.vendors.salesforce.schema import Field, SObject
from o2c_twin.mock_systems.vendors.salesforce.shapes import Json, Shape

_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "currency": "xsd:double",
    "double": "xsd:double",
    "int": "xsd:int",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
}


def summary(shape: Shape, version: str) -> Json:
    """One sObject in the global list."""
    sobject, base = shape.sobject, f"/services/data/{version}/sobjects/{shape.name}"
    return {
        "activateable": False,
        "createable": "create" in sobject.actions,
        "custom": False,
        "customSetting": False,
        "deletable": "delete" in sobject.actions,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "keyPrefix": sobject.prefix,
        "label": _spaced(sobject.name),
        "labelPlural": sobject.plural,
        "layoutable": bool(sobject.kind),
        "mergeable": False,
        "name": sobject.name,
        "queryable": True,
        "replicateable": sobject.has_changes,
        "retrieveable": True,
        "searchable": False,
        "triggerable": bool(sobject.kind),
        "undeletable": False,
        "updateable": "update" in sobject.actions,
        "urls": {"sobject": base, "describe": f"{base}/describe", "rowTemplate": f"{base}/{{ID}}"},
    }


def description(shape: Shape, version: str) -> Json:
    """One sObject with its fields and child relations."""
    sobject = shape.sobject
    return {
        **summary(shape, version),
        "fields": [_field(sobject, each.field) for each in shape.fields.values()],
        "childRelationships": [
            {
                "cascadeDelete": child.field == "OpportunityId",
                "childSObject": child.sobject,
                "deprecatedAndHidden": False,
                "field": child.field,
                "relationshipName": child.name,
                "restrictedDelete": False,
            }
            for child in sobject.children
        ],
        "recordTypeInfos": [],
    }


def _field(sobject: SObject, field: Field) -> Json:
    numeric = field.kind in ("currency", "double")
    return {
        "name": field.name,
        "label": field.label,
        "type": field.kind,
        "soapType": _SOAP_TYPES.get(field.kind, "xsd:string"),
        "length": 0 if field.kind in _SOAP_TYPES and field.kind not in ("id", "reference") else field.length,
        "precision": 18 if numeric else 0,
        "scale": 2 if numeric else 0,
        "custom": field.name.endswith("__c"),
        "createable": bool(sobject.actions) and field.access != "read",
        "updateable": bool(sobject.actions) and field.access == "write",
        "nillable": not field.required and field.kind not in ("id", "boolean"),
        "defaultedOnCreate": field.kind in ("id", "boolean"),
        "calculated": False,
        "externalId": field.key,
        "idLookup": field.key or field.kind == "id",
        "unique": field.unique,
        "caseSensitive": field.unique,
        "filterable": field.kind != "textarea",
        "sortable": field.kind != "textarea",
        "groupable": field.kind not in ("textarea", "currency", "double", "datetime"),
        "aggregatable": field.kind != "boolean",
        "restrictedPicklist": bool(field.choices),
        "picklistValues": [
            {"active": True, "defaultValue": False, "label": choice, "validFor": None, "value": choice}
            for choice in field.choices
        ],
        "referenceTo": [field.refers] if field.refers else [],
        "relationshipName": field.relationship or None,
        "defaultValue": None,
    }


def _spaced(name: str) -> str:
    """``OpportunityLineItem`` as a label: ``Opportunity Line Item``."""
    return "".join(f" {letter}" if letter.isupper() and i else letter for i, letter in enumerate(name))

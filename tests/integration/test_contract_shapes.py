"""Which cases are of one change of a record's shape, as a person sees it."""

from o2c_twin.integration.runtime.contract import shape_of

CHANGED = "erp shipment: rejected: answer not understood: map f: item {}: createdFrom.id: is missing"


def test_cases_of_one_change_are_alike_whatever_record_they_are_about():
    assert shape_of(CHANGED.format(17)) == shape_of(CHANGED.format(400)) is not None
    assert shape_of(CHANGED.replace("createdFrom", "entity")) != shape_of(CHANGED)


def test_a_refusal_is_no_change_of_shape():
    assert shape_of("erp put_order: rejected: 400 unknown item 17") is None

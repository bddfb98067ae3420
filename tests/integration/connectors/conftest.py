"""What tests of connectors share: the maps of a vendor with a change of an estate's own."""

import pytest

from o2c_twin.integration.connectors.own_maps import own_maps
from o2c_twin.integration.mappings import shipped_files


@pytest.fixture
def changed(tmp_path):
    """The maps of a vendor with one shipped map changed: texts, each replaced by another."""

    def write(vendor, name, *changes, schema="", beside=()):
        text = shipped_files().maps[f"maps/{vendor.system}/{name}.yaml"]
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        own = {f"maps/{name}.yaml": text, **dict(beside)}
        if schema:
            own["schemas/own.yaml"] = f"extends: {vendor.system}\n{schema}"
        for path, told in own.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(told, encoding="utf-8")
        return own_maps(tmp_path).of(vendor)

    return write

"""Code lists: what one side calls a thing, and what the other calls it."""

from collections.abc import Mapping
from dataclasses import dataclass

from yaml.nodes import MappingNode, ScalarNode

from o2c_twin.integration.mappings.document import Document


@dataclass(frozen=True, slots=True)
class CodeList:
    """``pairs`` from one side's code to the other's; ``source`` says where the codes are published."""

    name: str
    title: str
    pairs: Mapping[str, str]
    owner: str = ""
    source: str = ""
    note: str = ""
    file: str = ""

    def inverse(self) -> dict[str, str] | None:
        """The way back; None when two codes have one meaning."""
        back = {to: code for code, to in self.pairs.items()}
        return back if len(back) == len(self.pairs) else None


def read_codes(document: Document) -> CodeList:
    """The code list of one file (``codes:``, ``pairs:``); complaints go to the document."""
    names = ("codes", "title", "owner", "source", "note", "pairs")
    entries = document.entries(document.root, "the code list", names)
    pairs: dict[str, str] = {}
    node = entries.get("pairs")
    if not isinstance(node, MappingNode) or not node.value:
        document.complain(node, "a code list needs 'pairs'; write '<their code>: <our code>' lines")
    else:
        for code, each in document.entries(node, "'pairs'").items():
            if not isinstance(each, ScalarNode):
                document.complain(each, f"code {code} must have one code on the other side")
                continue
            # As written: a code such as 010, NO or 1.10 is a text, not a number or a boolean.
            pairs[code] = str(each.value)
    return CodeList(
        name=document.text(entries.get("codes"), "codes"),
        title=document.text(entries.get("title"), "title"),
        pairs=pairs,
        owner=document.text(entries.get("owner"), "owner"),
        source=document.text(entries.get("source"), "source"),
        note=document.text(entries.get("note"), "note"),
        file=document.name,
    )

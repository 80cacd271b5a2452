"""The sizes of the shipped networks: `python tests/shipped_sizes.py` writes the file from which `archnet list` reads them."""

from archnet.files.documents.house_style import compact_json
from archnet.spec.shipped.shipped_list import SIZES_FILE, shipped_sizes


def sizes_text():
    return compact_json(shipped_sizes()) + "\n"


if __name__ == "__main__":
    SIZES_FILE.write_text(sizes_text(), encoding="utf-8")

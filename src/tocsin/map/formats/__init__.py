"""Maps as files: CSV, GeoJSON, GraphML, EPANET and pandapower in; CSV, GeoJSON and GraphML out.

::

    read = read_folder(Path("region/"))            # or one file; a mapping.yaml in it says what is what
    read.plan                                      # an AssetMap without a fault
    read_files({"map.geojson": data}, mapping)     # the same without a disk
    write(read.plan, Format.GRAPHML)               # {"map.graphml": b"..."}

Reading raises ``MapError`` with every fault, each with its place in the file (``MapFault.at``), and gives no map then;
``AgreementError`` for a mapping file that is none, ``LimitError`` for what is larger than we take.
"""

from tocsin.map.formats.folder import read_folder
from tocsin.map.formats.reading import Format, ReadMap, Source, read_files
from tocsin.map.formats.writing import write

__all__ = ["Format", "ReadMap", "Source", "read_files", "read_folder", "write"]

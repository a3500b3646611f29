"""The public collections of `yardbird fetch`: description, licence, and SHA-256 of the files.

Only pinned files are downloaded. A file whose hash could not be verified is not listed; from an archive of unknown
hash, only members of known hash are unpacked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Download:
    """One file at a URL; with `members`, it is an archive of which only these are kept."""

    name: str
    url: str
    sha256: str | None  # None for an archive whose members are pinned
    max_bytes: int  # the download stops if the server sends more
    members: Mapping[str, str] = field(default_factory=dict)  # file name without folders → SHA-256


@dataclass(frozen=True)
class Collection:
    """What `yardbird fetch` lists and downloads into data/raw/<name>."""

    name: str
    what: str
    size: str
    licence: str
    citation: str
    downloads: tuple[Download, ...]
    use: str  # the next step; {folder} is its folder


_SOURCE = "name it in params.yaml, sources: {{{name}: {{folder}}}}, or: yardbird exp -S '+sources.{name}={{folder}}'"

#: The files of the archive, of fifty, whose hashes are known.
_OMNIBOOK = {
    "An_Oscar_For_Treadwell.xml": "60bc37e13a13384c56fc08f1608de0327d405625beefa02f722ba9c499cb6b24",
    "Au_Private_1.xml": "965bedfb567bf29000d5f4acba472c29b0249c97969e9f48676f77bd79a30241",
    "Barbados.xml": "74d803142df1e1c22bf4337bd1263b247c1b9ec31f8fdf5f7d7a48f77d73b946",
    "Blue_Bird.xml": "f6ab75e4e3dcda3aad9e6a303ecd55cda63f011e29877de5232bb051b07bfcb4",
    "Card_Board.xml": "1b2bbc8908f34c75c63df7bffaacd19a346f73c3cf4bbf0db5b167c67fb002c4",
    "Cheryl.xml": "54329d10e091f4b7e692d171a4be862b5fa5b855f760317bdf173ed604c83460",
    "Dewey_Square.xml": "8a411a9efce8ece934368b55d4ee36222439b0a8cf8a6b243a5f5064dcb8e88d",
    "Kim_2.xml": "667aa4764ee8c4efe461fdd608c8c4f27ad9794d75902cf4d5820a6e59d1ae43",
    "Marmaduke.xml": "cd5c155d3ce61ada69f08b7d9a6c9d33fc0aefa4691d60a24fa56aff66fd31f4",
    "Passport.xml": "4a0636dce2554854b8038b8905844599ee551ace3017c5befebb0212b2f792bf",
    "Relaxing_With_Lee.xml": "32408ea70837f23c2d4232bae98e6477f7ee379f804c886276cb3ac8617887ba",
    "Si_Si.xml": "e454c324c118e60d7f2b9a90a2281c07b877e2cbb2253d84ffc585360df1a159",
    "Warming_Up_A_Riff.xml": "ce42a3e3aa245f6df5fbfefece24b843372ab23becbdcad4fe9aa7a4936a02a1",
}

COLLECTIONS: dict[str, Collection] = {
    collection.name: collection
    for collection in (
        Collection(
            "wjazzd",
            "Weimar Jazz Database: 456 transcribed solos of 78 players with beats, chords, phrases and form",
            "42.5 MB",
            "ODbL 1.0",
            "Pfleiderer, Frieler, Abeßer, Zaddach, Burkhart (eds.): Inside the Jazzomat. Schott Campus, 2017",
            (
                Download(
                    "wjazzd.db",
                    "https://jazzomat.hfm-weimar.de/download/downloads/wjazzd.db",
                    "af6a0d9debf042c3581565bd75baad591d32e166cd2ec7298519883de614bf12",
                    60_000_000,
                ),
            ),
            _SOURCE.format(name="wjazzd"),
        ),
        Collection(
            "omnibook",
            f"Charlie Parker Omnibook: {len(_OMNIBOOK)} of its 50 solos as MusicXML with chords",
            "about 0.4 MB",
            "CC BY-NC-SA 2.0 UK; transcriptions © Atlantic Music Corp.",
            "Déguernel, Vincent, Assayag: Multidimensional Sequences for Improvisation in the OMax Paradigm. SMC 2016",
            (
                Download(
                    "omnibook_xml.zip",
                    "https://homepages.loria.fr/evincent/omnibook/omnibook_xml.zip",
                    None,
                    20_000_000,
                    _OMNIBOOK,
                ),
            ),
            _SOURCE.format(name="omnibook"),
        ),
        Collection(
            "jsb",
            "JSB Chorales in sixteenths: a benchmark of the model, not a source of training data",
            "1.7 MB",
            "none stated",
            "Boulanger-Lewandowski et al.: Modeling Temporal Dependencies in High-Dimensional Sequences. ICML 2012",
            (
                Download(
                    "jsb-chorales-16th.json",
                    "https://raw.githubusercontent.com/czhuang/JSB-Chorales-dataset/"
                    "9a7f733ddb4ed91f48da64ac7f0f621c34aadd4d/jsb-chorales-16th.json",
                    "8730aca7b64e7d29493733d1cf19fad4a5b351d8f1845e57dac27728104fd39f",
                    2_000_000,
                ),
            ),
            "python benchmarks/jsb.py {folder}/jsb-chorales-16th.json",
        ),
    )
}

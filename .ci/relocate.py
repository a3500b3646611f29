"""Rewrite the first lines of the scripts in .venv/bin that name the Python of another folder.

They name the folder in which they were installed. After a repository has moved they find no Python, and in a copy they
run the original. `make` calls this.
"""

import re
import sys
from pathlib import Path

#: `#!/old/.venv/bin/python`, or the form for paths with spaces, which is shell and Python at the same time.
_HEAD = re.compile(rb"""#!(?:/bin/sh\n'''exec' ["']?)?(/[^\n]*)/python[\d.]*(?:["']? "\$0" "\$@"\n' ''')?\n""")


def relocate(scripts: Path) -> int:
    """Let the scripts of a folder run the Python in it; returns the number of those that have changed."""
    changed = 0
    quoted = re.sub(r'(["$`\\])', r"\\\1", str(scripts))
    for script in (path for path in scripts.iterdir() if path.is_file() and not path.is_symlink()):
        content = script.read_bytes()
        head = _HEAD.match(content)
        if head and head[1] not in (bytes(scripts), quoted.encode()):
            start = f"#!/bin/sh\n'''exec' \"{quoted}/python\" \"$0\" \"$@\"\n' '''\n"
            script.write_bytes(start.encode() + content[head.end() :])
            changed += 1
    return changed


if __name__ == "__main__":
    print(f"{relocate(Path(sys.argv[1]).resolve())} scripts now run the Python of this folder")
